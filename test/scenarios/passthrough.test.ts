import https from "node:https";
import { beforeAll, describe, expect, it } from "vitest";
import { certificateFiles, TestAuthority, temporaryFolder, type Issued } from "../support/certificates.ts";
import type { Evenkeel } from "../support/evenkeel.ts";
import {
  ask,
  connectTls,
  curl,
  dribble,
  run,
  startPassthroughOrigin,
  type PassthroughOrigin,
} from "../support/passthrough-origin.ts";
import { digest, payload, payloadHash } from "../support/payload.ts";
import { peakWhile, residentBytes } from "../support/process-usage.ts";
import { serverCounters, startProxy, waitForQuiet, webConfig, type WebOptions } from "../support/proxy.ts";
import { RawClient } from "../support/raw-client.ts";
import { missing, tool } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const tools = (["curl", "openssl"] as const).some((name) => missing(name, "passing TLS on undecrypted"));
const passthrough = { tls: { passthrough: true } };
const MIB = 1_048_576;

let certificates: { one: Issued; two: Issued; ca: string; caFile: string };
beforeAll(async () => {
  const authority = await TestAuthority.create();
  const one = await authority.issue({ names: ["one.test", "*.one.test"], subject: "server one" });
  const two = await authority.issue({ names: ["two.test"], subject: "server two" });
  certificates = { one, two, ca: authority.pem, caFile: certificateFiles(one, temporaryFolder()).ca };
});

/** Two servers with certificates of their own, found by name. */
async function byName(options: WebOptions = {}) {
  const one = await startPassthroughOrigin("one", certificates.one);
  const two = await startPassthroughOrigin("two", certificates.two);
  const routes = [
    { match: { sni: ["one.test", "*.one.test"] }, pool: "web" },
    { match: { sni: "two.test" }, pool: "two" },
  ];
  const { listener, top, ...rest } = options;
  const config: WebOptions = {
    ...rest,
    listener: { ...passthrough, routes, ...listener },
    top: { pools: { web: { servers: [one.address] }, two: { servers: [two.address] } }, ...top },
  };
  const evenkeel = await startProxy([one.address], config);
  return { one, two, evenkeel };
}

/** Servers that are all the same to clients. */
async function alike(count: number, options: WebOptions = {}) {
  const origins: PassthroughOrigin[] = [];
  for (let i = 0; i < count; i++) origins.push(await startPassthroughOrigin(`number ${i}`, certificates.one));
  const evenkeel = await startProxy(
    origins.map(({ address }) => address),
    { ...options, listener: { ...passthrough, ...options.listener } },
  );
  return { origins, evenkeel };
}

async function listener(evenkeel: Evenkeel) {
  const view = (await evenkeel.admin("/api/v2/listeners")) as {
    listeners: { refused: number; upgrades: number; openConnections: number; bytesIn: number; bytesOut: number }[];
  };
  return view.listeners[0];
}

describe.skipIf(tools)("clients that are passed on by name", () => {
  it.each([
    ["with bare handles", {}],
    ["with sockets of node:net", { EVENKEEL_PLAIN_SOCKETS: "1" }],
  ])("see the certificate of the server that they ask for, %s", async (_, env) => {
    const { evenkeel } = await byName({ env });
    const port = evenkeel.port();
    const { caFile } = certificates;
    for (const [name, body] of [
      ["one.test", "one"],
      ["deep.one.test", "one"],
      ["TWO.test", "two"],
    ]) {
      // Verified against the name, in both protocols, which the client settles with the server.
      const versions = ["-o", "-", "-w", " %{http_version}"];
      expect(await curl(port, name, caFile, versions)).toEqual({ code: 0, output: `${body} 2` });
      expect(await curl(port, name, caFile, ["--http1.1", ...versions])).toEqual({ code: 0, output: `${body} 1.1` });
    }
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const to = ["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", caFile, "-verify_return_error", version];
      const found = await run(tool("openssl"), [...to, "-servername", "two.test", "-verify_hostname", "two.test"]);
      expect(found.output).toMatch(/subject=.*CN ?= ?server two/);
      expect(found.output).toContain("Verify return code: 0 (ok)");
    }
    await waitFor("all connections to end", async () => (await listener(evenkeel)).openConnections === 0);
    await waitForQuiet(evenkeel);
    expect(await listener(evenkeel)).toMatchObject({ refused: 0, upgrades: 8 });
  });

  it("are told that a name is unknown, or missing", async () => {
    const { one, two, evenkeel } = await byName();
    const unknown = await curl(evenkeel.port(), "three.test", certificates.caFile);
    expect(unknown.code).toBe(35);
    expect(unknown.output).toMatch(/unrecognized name/i);
    const nameless = await run(tool("openssl"), [
      "s_client",
      "-connect",
      `127.0.0.1:${evenkeel.port()}`,
      "-noservername",
    ]);
    expect(nameless.output).toMatch(/alert unrecognized name|unrecognized_name|alert number 112/i);
    expect([one.accepted, two.accepted]).toEqual([0, 0]);
    expect(await listener(evenkeel)).toMatchObject({ refused: 2, upgrades: 0 });
  });

  it("may send their hello one byte at a time", async () => {
    const { evenkeel } = await byName();
    const slow = await dribble(evenkeel.port(), 3000);
    expect(await curl(slow, "one.test", certificates.caFile)).toEqual({ code: 0, output: "one" });
    expect(await curl(slow, "two.test", certificates.caFile)).toEqual({ code: 0, output: "two" });
  });

  it("that send garbage or dawdle are let go, and others do not notice", async () => {
    const { one, two, evenkeel } = await byName({ listener: { tls: { passthrough: true, handshakeTimeout: "1s" } } });
    const port = evenkeel.port();
    const garbage = await RawClient.connect(port);
    const told: Buffer[] = [];
    garbage.socket.on("data", (data) => told.push(data));
    await garbage.send("GET / HTTP/1.1\r\nHost: one.test\r\n\r\n");
    expect(await garbage.closed()).toBe("end");
    expect(Buffer.concat(told)).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, 10));
    // A record that says it is long, of which a byte comes now and then; and clients that say nothing.
    const slow = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(port)));
    for (const client of slow.slice(10)) await client.send(Buffer.of(22, 3, 1, 0x20, 0, 1, 0, 0x1f, 0xfc));
    const trickle = setInterval(() => slow.slice(10).forEach((client) => void client.send("x")), 100);
    expect(await curl(port, "one.test", certificates.caFile)).toEqual({ code: 0, output: "one" });
    await waitFor("the slow ones to be cut", () => slow.every((client) => client.ending !== undefined));
    clearInterval(trickle);
    expect([one.accepted, two.accepted]).toEqual([1, 0]);
    await waitFor("no connection", async () => (await listener(evenkeel)).openConnections === 0);
    expect((await listener(evenkeel)).refused).toBe(41);
  });

  it("go to another server when one is killed", async () => {
    const { origins, evenkeel } = await alike(3, { workers: 2 });
    const ask30 = async () => {
      const answers: string[] = [];
      for (let i = 0; i < 30; i++) {
        const { code, output } = await curl(evenkeel.port(), "one.test", certificates.caFile);
        expect(code).toBe(0);
        answers.push(output);
      }
      return new Set(answers);
    };
    expect((await ask30()).size).toBe(3);
    await origins[1].kill();
    expect([...(await ask30())].toSorted()).toEqual(["number 0", "number 2"]);
    const [, killed] = await serverCounters(evenkeel);
    expect(killed.connectFailures).toBeGreaterThan(0);
  });

  it("are spread by how many connections there are", async () => {
    const { origins, evenkeel } = await alike(2, { workers: 2, pool: { algorithm: "least_connections" } });
    const clients = [];
    for (let i = 0; i < 20; i++) clients.push(await connectTls(evenkeel.port(), "one.test", certificates.ca));
    expect(origins.map(({ open }) => open)).toEqual([10, 10]);
    expect((await serverCounters(evenkeel)).map(({ inFlight, connections }) => [inFlight, connections])).toEqual([
      [10, 10],
      [10, 10],
    ]);
    const names = await Promise.all(clients.map(ask));
    expect(names.filter((name) => name === "number 0" || name.includes("number 0")).length).toBe(10);
    for (const client of clients) client.destroy();
    await waitForQuiet(evenkeel);
    await waitFor("the servers' connections to close", () => origins.every(({ open }) => open === 0));
  });
});

describe.skipIf(tools)("much data", () => {
  it.each([
    ["with bare handles", {}],
    ["with sockets of node:net", { EVENKEEL_PLAIN_SOCKETS: "1" }],
  ])(
    "passes both ways unchanged in bounded memory, %s",
    async (_, env) => {
      const { origins, evenkeel } = await alike(1, { env });
      const size = 200 * MIB;
      const expected = { length: size, sha256: payloadHash(size) };
      const agent = new https.Agent({ ca: certificates.ca, servername: "one.test", maxSockets: 2 });
      const options = { agent, host: "127.0.0.1", port: evenkeel.port(), headers: { host: "one.test" } };
      const download = () =>
        new Promise((resolve, reject) => {
          const request = https.get({ ...options, path: `/download?${size}` }, (response) => resolve(digest(response)));
          request.on("error", reject);
        });
      const upload = () =>
        new Promise<unknown>((resolve, reject) => {
          const request = https.request({ ...options, method: "POST", path: "/" }, async (response) => {
            let text = "";
            for await (const chunk of response) text += String(chunk);
            resolve(JSON.parse(text));
          });
          request.on("error", reject);
          payload(size).pipe(request);
        });
      await connectTls(evenkeel.port(), "one.test", certificates.ca);
      const before = residentBytes(evenkeel.pid);
      const { peak, result } = await peakWhile(evenkeel.pid, () => Promise.all([download(), upload()]));
      expect(result).toEqual([expected, expected]);
      expect(peak - before).toBeLessThan(96 * MIB);
      agent.destroy();
      await waitFor("the client's connections to end", async () => (await listener(evenkeel)).openConnections === 1);
      const counted = await listener(evenkeel);
      // TLS adds a little to every record.
      for (const bytes of [counted.bytesIn, counted.bytesOut]) {
        expect(bytes).toBeGreaterThan(size);
        expect(bytes).toBeLessThan(size * 1.02);
      }
      expect(origins[0].open).toBe(1);
    },
    60_000,
  );
});

describe.skipIf(tools)("connections that are open", () => {
  it("outlast a reload that takes their server away, for its drain time", async () => {
    const { origins, evenkeel } = await alike(2, { pool: { algorithm: "least_connections", drainTimeout: "2s" } });
    const client = await connectTls(evenkeel.port(), "one.test", certificates.ca);
    const name = await ask(client);
    const stays = origins.find((origin) => !name.includes(origin.name))!;
    evenkeel.writeConfig(
      webConfig([stays.address], {
        listener: passthrough,
        pool: { algorithm: "least_connections", drainTimeout: "2s" },
      }),
    );
    evenkeel.signal("SIGHUP");
    await waitFor("the reload", async () => (await serverCounters(evenkeel)).length === 1);
    expect(await ask(client)).toBe(name);
    for (let i = 0; i < 3; i++)
      expect((await curl(evenkeel.port(), "one.test", certificates.caFile)).output).toBe(stays.name);
    await waitFor("its end", () => client.readableEnded || client.destroyed);
    expect(stays.accepted).toBe(3);
  });

  it("end a little before the time to drain is over", async () => {
    const { evenkeel } = await alike(1, { top: { drainTimeout: "3s" } });
    const client = await connectTls(evenkeel.port(), "one.test", certificates.ca);
    const silent = await RawClient.connect(evenkeel.port());
    const start = Date.now();
    evenkeel.signal("SIGTERM");
    await waitFor("who has not begun to be sent away", () => silent.ending !== undefined);
    expect(Date.now() - start).toBeLessThan(1000);
    expect(await ask(client)).toContain("number 0");
    await waitFor("its end", () => client.readableEnded || client.destroyed);
    expect(Date.now() - start).toBeGreaterThan(1000);
    expect(await evenkeel.exited).toBe(0);
    expect(Date.now() - start).toBeLessThan(5000);
  });

  it("are told apart from HTTP when a listener changes from one to the other", async () => {
    const { origins, evenkeel } = await alike(1, { workers: 2 });
    const port = evenkeel.port();
    const client = await connectTls(port, "one.test", certificates.ca);
    evenkeel.writeConfig(
      webConfig([origins[0].address], { workers: 2, listener: { routes: [{ respond: { body: "http" } }] } }),
    );
    evenkeel.signal("SIGHUP");
    await waitFor("HTTP", async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      return (await answer?.text()) === "http";
    });
    expect(await ask(client)).toContain("number 0");
    evenkeel.writeConfig(webConfig([origins[0].address], { workers: 2, listener: passthrough }));
    evenkeel.signal("SIGHUP");
    await waitFor("TLS", async () => (await curl(port, "one.test", certificates.caFile)).code === 0);
  });
});
