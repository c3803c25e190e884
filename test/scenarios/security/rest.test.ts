import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { atEnd } from "../../support/cleanup.ts";
import type { Evenkeel } from "../../support/evenkeel.ts";
import { residentBytes } from "../../support/process-usage.ts";
import { startProxy } from "../../support/proxy.ts";
import { exchange, RawClient } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

const MIB = 1024 * 1024;

async function start(options: Parameters<typeof startProxy>[1] = {}) {
  const origin = await startRawOrigin();
  const evenkeel = await startProxy([origin.address], options);
  const path = `/api/v2/servers/${origin.address}`;
  return { origin, evenkeel, path, host: `127.0.0.1:${evenkeel.port("admin")}` };
}

const post = (path: string, host: string, lines = "", body = "") =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;

const JSON_TYPE = "Content-Type: application/json\r\n";
const stateOf = async (evenkeel: Evenkeel) =>
  ((await evenkeel.admin("/api/v2/pools/web")) as { servers: { state: string }[] }).servers[0].state;

describe("actions over REST", () => {
  it("are for those who have the token, and not for web pages", async () => {
    const { evenkeel, path, host } = await start({
      top: { admin: { listen: "127.0.0.1:0", token: "right-token-0123456789" } },
    });
    const right = "Authorization: Bearer right-token-0123456789\r\n";
    const send = async (text: string) => (await exchange(evenkeel.port("admin"), text)).status;
    for (const action of ["drain", "maintenance", "up", "down", "auto", "resume", "kill"]) {
      expect(await send(post(`${path}/${action}`, host))).toBe(401);
      expect(await send(post(`${path}/${action}`, host, "Authorization: Bearer wrong\r\n"))).toBe(401);
      expect(await send(post(`${path}/${action}?token=right-token-0123456789`, host))).toBe(401);
      expect(await send(post(`${path}/${action}`, "evil.example", right))).toBe(421);
      expect(await send(post(`${path}/${action}`, host, `${right}Origin: http://evil.example\r\n`))).toBe(403);
      expect(await send(post(`${path}/${action}`, host, `${right}Origin: null\r\n`))).toBe(403);
    }
    // What tries to look like a path that needs no token.
    for (const trick of [
      "/healthz/../api/v2/status",
      "//healthz/..//api/v2/status",
      "/api/v2/status?/healthz",
      "/healthz%2f..%2fapi/v2/status",
      "/api/v2/status#/healthz",
    ]) {
      expect([401, 404, 400]).toContain(
        await send(`GET ${trick} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
      );
    }
    expect(await send(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toBe(200);
    expect(await send(post(`${path}/drain`, host, right))).toBe(200);
  });

  it("take no other body than theirs, and no odd names", async () => {
    const { evenkeel, path, host } = await start();
    const send = async (text: string) => (await exchange(evenkeel.port("admin"), text)).status;
    const bodies: [string, string, number[]][] = [
      [JSON_TYPE, "[".repeat(60_000), [400]],
      [JSON_TYPE, `{"timeout":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, [400]],
      [JSON_TYPE, `{"timeout":"${"9".repeat(60_000)}s"}`, [400]],
      [JSON_TYPE, '{"__proto__":{"timeout":1}}', [400]],
      [JSON_TYPE, '{"constructor":{"prototype":{"x":1}}}', [400]],
      [JSON_TYPE, '{"timeout":null}', [400]],
      [JSON_TYPE, '{"timeout":-1}', [400]],
      [JSON_TYPE, '{"timeout":1e999}', [400]],
      [JSON_TYPE, '{"timeout":"9999999999d"}', [400]],
      [JSON_TYPE, '{"timeout":{}}', [400]],
      [JSON_TYPE, '{"timeout":[1]}', [400]],
      [JSON_TYPE, '{"timeout":"1s","timeout ":"1s"}', [400]],
      [JSON_TYPE, '"text"', [400]],
      [JSON_TYPE, "{", [400]],
      [JSON_TYPE, "\u0000", [400]],
      ["Content-Type: text/xml\r\n", "<x/>", [400, 415]],
      ["Content-Type: multipart/form-data; boundary=x\r\n", "--x", [400, 415]],
      ["Content-Type: application/x-www-form-urlencoded\r\n", "timeout=1", [400, 415]],
    ];
    for (const [type, body, statuses] of bodies) {
      expect([body.slice(0, 40), statuses.includes(await send(post(`${path}/drain`, host, type, body)))]).toEqual([
        body.slice(0, 40),
        true,
      ]);
    }
    const names = [
      "..%2f..%2fetc",
      "%00",
      "%2e%2e",
      "__proto__",
      "constructor",
      "toString",
      "%f0%9f%92%a5",
      "%ff%fe",
      "%",
      "x".repeat(600),
      "%0d%0aX:%20y",
    ];
    for (const name of names) {
      for (const text of [
        post(`/api/v2/servers/${name}/drain`, host),
        `GET /api/v2/servers/${name} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        post(`${path}/drain?pool=${name}`, host),
        `GET /api/v2/pools/${name} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        `GET /api/v2/servers?pool=${name} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        `GET /api/v2/servers/${name}/health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      ]) {
        expect([text.slice(0, 80), [400, 404].includes(await send(text))]).toEqual([text.slice(0, 80), true]);
      }
    }
    for (const query of ["since=x", "since=-1", "since=1e9", "since=99999999999999999999", "since=1&since=2"]) {
      expect(await send(`GET /api/v2/events?${query} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toBe(
        400,
      );
    }
    expect(
      await send(`GET /api/v2/events?pool=a&pool=b HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    ).toBeLessThan(500);
    expect(await send(post(`${path}/drain?pool=web&pool=web`, host))).toBeLessThan(500);
    expect(await send(post(`${path}/resume`, host))).toBe(200);
    const big = await RawClient.connect(evenkeel.port("admin"));
    await big.send(`POST ${path}/drain HTTP/1.1\r\nHost: ${host}\r\n${JSON_TYPE}Content-Length: 9000000000\r\n\r\n{`);
    expect((await big.response()).status).toBe(413);
    const long = await RawClient.connect(evenkeel.port("admin"));
    void long.send(`GET /api/v2/servers/${"x".repeat(MIB)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect((await long.response()).status).toBe(431);
    expect(await stateOf(evenkeel)).toBe("up");
    expect(evenkeel.log.filter((line) => / error /.test(line))).toEqual([]);
  });
});

describe("the stream of events", () => {
  it("has room for so many readers, and those who do not read cost little", { timeout: 30_000 }, async () => {
    const { evenkeel, path, host } = await start();
    const send = async (text: string) => (await exchange(evenkeel.port("admin"), text)).status;
    for (const id of ["-1", "x", "1e3", "9".repeat(5000), "%00", "1,2"]) {
      const text = `GET /api/v2/events/stream HTTP/1.1\r\nHost: ${host}\r\nLast-Event-ID: ${id}\r\nConnection: close\r\n\r\n`;
      expect([id, await send(text)]).toEqual([id, 400]);
    }
    // A number that was never given: the stream begins, from the first event that there is.
    const future = await reader(evenkeel, host, "Last-Event-ID: 999999999\r\n");
    const readers = [future, ...(await Promise.all(Array.from({ length: 150 }, () => reader(evenkeel, host))))];
    await waitFor("all answers", () => readers.every(({ text }) => text.startsWith("HTTP/1.1 ")));
    expect(readers.filter(({ text }) => text.startsWith("HTTP/1.1 200")).length).toBe(64);
    expect(readers.filter(({ text }) => text.startsWith("HTTP/1.1 503")).length).toBe(readers.length - 64);
    for (const { socket } of readers) socket.pause();
    const before = residentBytes(evenkeel.pid);
    for (let i = 0; i < 300; i++) {
      for (const action of ["down", "up"]) expect(await send(post(`${path}/${action}`, host))).toBe(200);
    }
    expect(residentBytes(evenkeel.pid) - before).toBeLessThan(100 * MIB);
    expect(await send(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toBe(200);
    for (const { socket } of readers) socket.destroy();
    await waitFor("room for new readers", async () => {
      const again = await reader(evenkeel, host);
      await waitFor("an answer", () => again.text !== "");
      return again.text.startsWith("HTTP/1.1 200");
    });
  });
});

async function reader(evenkeel: Evenkeel, host: string, lines = "") {
  const socket: Socket = connect(evenkeel.port("admin"), "127.0.0.1");
  const view = { socket, text: "" };
  atEnd(() => socket.destroy());
  socket.on("error", () => undefined);
  socket.on("data", (data) => (view.text = (view.text + data.toString("latin1")).slice(0, 1000)));
  socket.write(`GET /api/v2/events/stream HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`);
  return view;
}

it(
  "/healthz answers although somebody holds all the connections that the REST interface has",
  { timeout: 30_000 },
  async () => {
    const { evenkeel } = await start();
    const held = await Promise.all(Array.from({ length: 400 }, () => RawClient.connect(evenkeel.port("admin"))));
    for (const client of held) await client.send("GET /heal").catch(() => undefined);
    const response = await fetch(`${evenkeel.url("admin")}/healthz`, { signal: AbortSignal.timeout(5000) });
    expect(response.status).toBe(200);
  },
);
