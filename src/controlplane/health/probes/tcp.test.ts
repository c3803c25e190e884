import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectFailure, isLocal } from "./connection.ts";
import { answering, check, freePort, on, saying, settingsOf, startPeer, until, type Script } from "./peer.fixture.ts";

describe("tcp", () => {
  it("is healthy once connected", async () => {
    const peer = await startPeer(() => undefined);
    expect(await check({ type: "tcp" }, on(peer.port))).toEqual({ outcome: "healthy" });
    await until("the connection is closed", () => peer.connections() === 1 && peer.open() === 0);
  });

  it("connects to unix sockets", async () => {
    const folder = await mkdtemp(join(tmpdir(), "probe-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, "a.sock");
    const target = { address: { kind: "unix", path }, server: "a", pool: "web" } as const;
    expect(await check({ type: "tcp" }, target)).toEqual({
      outcome: "unhealthy",
      reason: "the unix socket does not exist",
      unreachable: true,
    });
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
    expect(await check({ type: "tcp" }, target)).toEqual({ outcome: "healthy" });
  });

  it("names what keeps it from connecting", async () => {
    expect(await check({ type: "tcp" }, on(await freePort()))).toEqual({
      outcome: "unhealthy",
      reason: "connection refused",
      unreachable: true,
    });
    expect(await check({ type: "tcp" }, on(80, "no-such-host.invalid"))).toMatchObject({
      outcome: "unhealthy",
      reason: "the server's name is unknown",
      unreachable: true,
    });
  });

  it.each<[object, Script, string?]>([
    [{ expect: "220 " }, saying("220 mail ready\r\n")],
    [{ expect: "220 " }, saying("554 no\r\n"), "expected answer within 200 ms"],
    [{ send: "PING\r\n", expect: "PONG" }, answering("+PONG\r\n")],
    [{ sendHex: "50 49 4e47", expectHex: "2b50" }, answering("+PONG")],
    [{ expectPattern: "^SSH-2\\.0-" }, saying("SSH-2.0-x\r\n")],
    [{ expect: "yes" }, (socket) => socket.end("no"), 'answered "no", expected "yes"'],
    [{ expect: "yes" }, (socket) => socket.end(), "the server closed the connection without an answer"],
    [{ expect: "yes" }, saying(Buffer.alloc(100_000)), 'expected "yes"'],
    [{ expectHex: "00ff" }, (socket) => socket.end("no"), 'answered "no", expected bytes 00ff'],
  ])("%j", async (settings, script, reason) => {
    const peer = await startPeer(script);
    const result = await check({ type: "tcp", ...settings }, on(peer.port), reason?.includes("within") ? 200 : 5000);
    expect(result.outcome).toBe(reason === undefined ? "healthy" : "unhealthy");
    if (reason !== undefined) expect(result.reason).toContain(reason);
    await until("the connection is closed", () => peer.open() === 0);
  });

  it("finds what comes in pieces", async () => {
    const peer = await startPeer((socket) => {
      socket.write("re");
      setTimeout(() => socket.write("ady"), 20);
    });
    expect(await check({ type: "tcp", expect: "ready" }, on(peer.port))).toEqual({ outcome: "healthy" });
  });

  it("sends what the settings say", async () => {
    const peer = await startPeer(answering("x"));
    await check({ type: "tcp", sendHex: "00 ff", expect: "x" }, on(peer.port));
    expect(peer.text()).toBe("\u0000\u00ff");
  });
});

function failure(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

describe("failures to connect", () => {
  it.each(["EMFILE", "EADDRNOTAVAIL", "EAI_AGAIN"])("%s is this machine's own", (code) => {
    expect(isLocal(failure(code))).toBe(true);
  });

  it.each([
    ["EHOSTUNREACH", "no route to the server", true],
    ["ENETUNREACH", "no route to the server's network", true],
    ["ECONNRESET", "cannot connect: reset by the server", undefined],
    ["ESOMETHING", "cannot connect: connect ESOMETHING", undefined],
  ])("%s is the server's", (code, reason, unreachable) => {
    expect(isLocal(failure(code))).toBe(false);
    expect(connectFailure(failure(code))).toEqual({ outcome: "unhealthy", reason, unreachable });
  });
});

describe("settings", () => {
  it.each<[object, string]>([
    [{ send: "a", sendHex: "00" }, "`send` and `sendHex` exclude each other"],
    [{ expect: "a", expectPattern: "b" }, "only one of `expect`, `expectHex` and `expectPattern`"],
    [{ sendHex: "0" }, "two hexadecimal digits"],
    [{ expectPattern: "(" }, "not a regular expression"],
    [{ expect: "" }, "must not be empty"],
  ])("%j", (settings, message) => {
    for (const type of ["tcp", "udp"]) expect(settingsOf({ type, ...settings }).problems.join("\n")).toContain(message);
  });
});
