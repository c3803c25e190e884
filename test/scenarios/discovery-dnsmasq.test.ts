import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StubResolver } from "../../src/controlplane/discovery/dns/dns-client.ts";
import { atEnd, onFailure } from "../support/cleanup.ts";
import { serverCounters, startProxy } from "../support/proxy.ts";
import { exchange } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { missing, tool } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

/** A DNS server that others have written: its answers are compressed, cut, and refused in its own ways. */
class Dnsmasq {
  readonly address: string;
  readonly #hosts: string;
  readonly #process: ReturnType<typeof spawn>;

  constructor(port: number, folder: string, hosts: readonly string[], options: readonly string[]) {
    this.address = `127.0.0.1:${port}`;
    this.#hosts = join(folder, "hosts");
    writeFileSync(this.#hosts, `${hosts.join("\n")}\n`);
    const basics = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"];
    const place = [`--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces", `--pid-file=${folder}/pid`];
    this.#process = spawn(
      tool("dnsmasq"),
      [
        ...basics,
        ...place,
        "--local=/test/",
        "--local-ttl=1",
        `--addn-hosts=${this.#hosts}`,
        "--log-facility=-",
        ...options,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let log = "";
    this.#process.stderr!.on("data", (data: Buffer) => (log += data.toString()));
    onFailure(() => console.error(log));
    atEnd(() => this.#process.kill("SIGKILL"));
  }

  /** Other lines of /etc/hosts' form. */
  change(hosts: readonly string[]): void {
    writeFileSync(this.#hosts, `${hosts.join("\n")}\n`);
    this.#process.kill("SIGHUP");
  }
}

async function startDnsmasq(hosts: readonly string[], options: readonly string[] = []): Promise<Dnsmasq> {
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-dnsmasq-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const server = new Dnsmasq(port, folder, hosts, options);
  const client = new StubResolver([server.address], 200);
  await waitFor("dnsmasq to answer", () =>
    client.ask("ready.test", "A", new AbortController().signal).then(
      () => true,
      () => false,
    ),
  );
  return server;
}

describe.skipIf(missing("dnsmasq", "servers from a real DNS server"))("a pool with servers from dnsmasq", () => {
  it("follows its A records, and takes as many as need TCP", async () => {
    const one = await startRawOrigin();
    const dns = await startDnsmasq(["127.0.0.1 web.test"]);
    const discovery = { type: "dns", name: "web.test", port: one.port, resolvers: dns.address, minRefresh: 100 };
    const evenkeel = await startProxy([], { pool: { discovery } });
    expect((await exchange(evenkeel.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status).toBe(200);
    const many = Array.from({ length: 200 }, (_, index) => `127.1.0.${index + 1}`);
    dns.change(many.map((address) => `${address} web.test`));
    await waitFor("all addresses", async () => {
      const ids = (await serverCounters(evenkeel)).map(({ id }) => id);
      return ids.length === 200 && many.every((address) => ids.includes(`${address}:${one.port}`));
    });
  });

  it("takes ports, weights and ranks of its SRV records, and addresses of both families", async () => {
    const dns = await startDnsmasq(
      ["192.0.2.1 a.web.test", "2001:db8::1 a.web.test", "2001:db8::2 b.web.test"],
      ["--srv-host=_http._tcp.web.test,a.web.test,8001,10,3", "--srv-host=_http._tcp.web.test,b.web.test,8002,20,1"],
    );
    const discovery = { type: "dns_srv", name: "_http._tcp.web.test", resolvers: dns.address, family: "both" };
    const evenkeel = await startProxy([], { pool: { discovery } });
    const servers = (await serverCounters(evenkeel)) as unknown as { id: string; weight: number; priority: number }[];
    expect(servers.map(({ id, weight, priority }) => `${id} ${weight} ${priority}`)).toEqual([
      "192.0.2.1:8001 150 0",
      "[2001:db8::1]:8001 150 0",
      "[2001:db8::2]:8002 1 1",
    ]);
  });
});
