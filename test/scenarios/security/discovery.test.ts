import { execFileSync } from "node:child_process";
import { readdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { a, type DnsReply, encodeReply, srv, startDnsServer } from "../../support/dns-server.ts";
import type { Evenkeel } from "../../support/evenkeel.ts";
import { residentBytes } from "../../support/process-usage.ts";
import { serverCounters, startProxy } from "../../support/proxy.ts";
import { exchange } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const MIB = 1024 * 1024;
const portOf = (address: string) => Number(address.split(":")[1]);
const ids = async (evenkeel: Evenkeel) => (await serverCounters(evenkeel)).map(({ id }) => id);

async function lastError(evenkeel: Evenkeel): Promise<string | undefined> {
  const view = (await evenkeel.admin("/api/v2/pools/web")) as { discovery: { lastError: { reason: string } | null } };
  return view.discovery.lastError?.reason;
}

describe("a hostile DNS", () => {
  it("gets neither forged nor malformed answers believed, nor addresses that no server can have", async () => {
    const origin = await startRawOrigin();
    const port = portOf(origin.address);
    const good: DnsReply = { answers: [a("web.test", "127.0.0.1")] };
    const evil: DnsReply = { answers: [a("web.test", "127.0.0.9")] };
    const dns = await startDnsServer((question) => {
      if (question.type === "AAAA") return { answers: [] };
      const forged = encodeReply({ ...question, id: question.id ^ 1 }, evil);
      const other = encodeReply({ ...question, name: "web.evil" }, { answers: [a("web.evil", "127.0.0.9")] });
      const kind = encodeReply({ ...question, type: "AAAA" }, evil);
      const query = encodeReply(question, evil);
      query[2]! &= 0x7f;
      const beside = encodeReply(question, { answers: [a("web.test", "127.0.0.1"), a("other.test", "127.0.0.9")] });
      return [forged, other, kind, query, Buffer.alloc(0), Buffer.from("garbage"), query.subarray(0, 20), beside];
    });
    const discovery = { type: "dns", name: "web.test", port, resolvers: dns.address, minRefresh: 50, maxRefresh: 50 };
    const evenkeel = await startProxy([], { pool: { discovery: { ...discovery, timeout: 300 } } });
    expect(await ids(evenkeel)).toEqual([origin.address]);
    const odd = ["0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "169.254.169.254", "168.63.129.16"];
    dns.script = () => ({ answers: [...odd.map((address) => a("web.test", address)), ...good.answers!] });
    await waitFor("a complaint", async () => /169\.254|224\.0|0\.0\.0\.0/.test((await lastError(evenkeel)) ?? ""));
    expect(await ids(evenkeel)).toEqual([origin.address]);
    // An answer to nobody's question, aliases in a circle, a name that points at itself.
    for (const reply of [Buffer.alloc(65_000, 0xc0), Buffer.from([0, 0, 0x80, 0, 255, 255, 255, 255, 0, 0, 0, 0])]) {
      const asked = dns.questions.length;
      dns.script = () => reply;
      await waitFor("more questions", () => dns.questions.length > asked + 2);
      expect(await ids(evenkeel)).toEqual([origin.address]);
    }
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
  });

  it("may bring thousands of records: as many are taken as are allowed, and all goes on", async () => {
    const names = Array.from({ length: 3000 }, (_, i) => `t${i}.test`);
    const many = names.map((name, i) => srv("_s._tcp.test", name, i % 5 === 0 ? 0 : 8000, 1, i % 7));
    const dns = await startDnsServer(({ type, over }) => {
      if (type !== "SRV") return { answers: [a("x", "127.0.0.1")] };
      return over === "udp" ? { truncated: true } : { answers: many.slice(0, 1500) };
    });
    const discovery = {
      type: "dns_srv",
      name: "_s._tcp.test",
      resolvers: dns.address,
      minRefresh: 100,
      maxRefresh: 100,
    };
    const pools: Record<string, unknown> = {};
    for (let i = 0; i < 20; i++) pools[`p${i}`] = { discovery };
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], {});
    const before = residentBytes(evenkeel.pid);
    evenkeel.writeConfig({
      admin: { listen: new URL(evenkeel.url("admin")).host },
      workers: 1,
      listeners: { web: { listen: `127.0.0.1:${evenkeel.port()}`, pool: "web" } },
      pools: { web: { servers: [origin.address] }, ...pools },
    });
    await evenkeel.waitForLog(/without .*more than can be looked up|has no addresses/, 0, 10_000);
    const started = Date.now();
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    expect((await fetch(`${evenkeel.url("admin")}/healthz`)).status).toBe(200);
    expect(Date.now() - started).toBeLessThan(1500);
    expect(residentBytes(evenkeel.pid) - before).toBeLessThan(200 * MIB);
  });

  it("that says nothing takes few descriptors, however many pools ask it", async () => {
    const dns = await startDnsServer(() => undefined);
    const pools: Record<string, unknown> = {};
    for (let i = 0; i < 300; i++) {
      pools[`p${i}`] = { discovery: { type: "dns", name: `p${i}.test`, port: 80, resolvers: dns.address } };
    }
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([], { top: { pools: { web: { servers: [origin.address] }, ...pools } } });
    await waitFor("many questions", () => dns.questions.length >= 64);
    expect(readdirSync(`/proc/${evenkeel.pid}/fd`).length).toBeLessThan(200);
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
  });
});

describe("a hostile file of servers", () => {
  it(
    "neither stops anything nor takes the servers away, whatever comes in its place",
    { timeout: 30_000 },
    async () => {
      const origin = await startRawOrigin();
      const list = `- ${origin.address}\n`;
      const evenkeel = await startProxy([], {
        pool: { discovery: { type: "file", path: "servers.yaml" } },
        files: { "servers.yaml": list },
      });
      const path = join(evenkeel.folder, "servers.yaml");
      const next = join(evenkeel.folder, "next");
      const before = residentBytes(evenkeel.pid);
      const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghij".replace(/./g, (c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefghi"[i]}`).join()}]\n`)}`;
      const attacks: [string, RegExp, () => void][] = [
        ["a pipe", /not a regular file/, () => execFileSync("mkfifo", [next])],
        ["a device", /not a regular file/, () => symlinkSync("/dev/zero", next)],
        ["a pipe again", /not a regular file/, () => execFileSync("mkfifo", [next])],
        ["a huge file", /more than \d+ bytes/, () => (writeFileSync(next, ""), truncateSync(next, 1024 * MIB))],
        ["a bomb", /servers\.yaml/, () => writeFileSync(next, bomb)],
        [
          "wrong UTF-8",
          /servers\.yaml/,
          () => writeFileSync(next, Buffer.from([0x2d, 0x20, 0xff, 0xfe, 0x3a, 0x38, 0x30, 0x0a])),
        ],
        ["half a file", /servers\.yaml/, () => writeFileSync(next, `- ${origin.address}\n- { addr`)],
        ["deep brackets", /servers\.yaml/, () => writeFileSync(next, "[".repeat(100_000))],
        ["escapes", /servers\.yaml/, () => writeFileSync(next, '- "\\e[2J\\r\\nfake line:80"\n')],
      ];
      for (const [name, reason, make] of attacks) {
        rmSync(next, { force: true });
        make();
        renameSync(next, path);
        await waitFor(`a complaint about ${name}`, async () => reason.test((await lastError(evenkeel)) ?? ""), 7000);
        expect(await ids(evenkeel)).toEqual([origin.address]);
        expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
        writeFileSync(next, list);
        renameSync(next, path);
        await waitFor("that it works again", () => lastErrorIsOld(evenkeel), 7000);
      }
      expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
      expect(residentBytes(evenkeel.pid) - before).toBeLessThan(150 * MIB);
      expect(evenkeel.log.join("\n")).not.toContain("\u001b");
      expect(evenkeel.log.filter((line) => line.startsWith("fake"))).toEqual([]);
      expect(readdirSync(`/proc/${evenkeel.pid}/fd`).length).toBeLessThan(200);
    },
  );
});

async function lastErrorIsOld(evenkeel: Evenkeel): Promise<boolean> {
  const { discovery } = (await evenkeel.admin("/api/v2/pools/web")) as {
    discovery: { lastSuccess: number; lastError: { at: number } | null };
  };
  return discovery.lastError === null || discovery.lastSuccess > discovery.lastError.at;
}
