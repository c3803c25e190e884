import { createSocket } from "node:dgram";
import { createServer } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { authority } from "./certificate.fixture.ts";
import { answering, freePort, on, startPeer, type Script } from "./peer.fixture.ts";
import { describeProbeContract, type ProbeSubjects, type Subject } from "./probe.contract.ts";
import { probes } from "./registry.ts";

type Settings = Record<string, unknown>;

const silent: Script = () => undefined;
const closing: Script = (socket) => socket.end();
/** The same few bytes again and again, as fast as they are taken. */
const garbage: Script = (socket) => {
  const piece = Buffer.from("\u0007\u0000garbage\u001b[31m".repeat(1000), "latin1");
  const write = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", write);
  write();
};

async function peer(script: Script, settings: Settings = {}, tls = false): Promise<Subject> {
  const server = await startPeer(script, { tls });
  return { target: on(server.port), settings, open: server.open, reached: server.connections };
}

async function absent(settings: Settings = {}): Promise<Subject> {
  return { target: on(await freePort()), settings, open: () => 0, reached: () => 0 };
}

function overTcp(good: Script, settings: Settings = {}): ProbeSubjects {
  return {
    good: () => peer(good, settings),
    silent: () => peer(silent, settings),
    garbage: () => peer(garbage, settings),
    closing: () => peer(closing, settings),
    absent: () => absent(settings),
  };
}

function overTls(good: Script, quiet: () => Promise<Subject>): ProbeSubjects {
  const settings = { ca: authority };
  return {
    good: () => peer(good, settings, true),
    silent: quiet,
    garbage: () => peer(garbage, settings),
    closing: () => peer(closing, settings),
    absent: () => absent(settings),
  };
}

async function overUdp(settings: Settings, answer: (query: Buffer) => Buffer | undefined): Promise<Subject> {
  const socket = createSocket("udp4");
  let reached = 0;
  socket.on("message", (message, from) => {
    reached++;
    const reply = answer(message);
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  onTestFinished(() => void socket.close());
  return { target: on(socket.address().port), settings, open: () => 0, reached: () => reached };
}

async function startGrpc(): Promise<Subject> {
  const sockets = new Set<Socket>();
  const server = createServer();
  let reached = 0;
  server.on("connection", (socket: Socket) => {
    reached++;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    target: on((server.address() as AddressInfo).port),
    settings: {},
    open: () => sockets.size,
    reached: () => reached,
  };
}

/** A command that leaves a file behind when it begins; the shell's own process is gone once the check is over. */
async function command(script: string): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), "contract-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return {
    target: on(1),
    settings: { command: ["/bin/sh", "-c", `: > ${folder}/$$; ${script}`] },
    open: () => 0,
    reached: () => readdirSync(folder).length,
  };
}

/** Version, connection, first half of the nonce, capabilities and the like, second half, and the method of the login. */
const mysqlGreeting = [
  "\n8.0.36\0",
  "\u0007\0\0\0",
  "abcdefgh\0",
  "\u00ff\u00f7\u002d\u0002\0\u00ff\u0081\u0015",
  "\0".repeat(10),
  "12345678ijkl\0",
  "mysql_native_password\0",
].join("");
const mysqlGood: Script = (socket) => {
  socket.write(Buffer.from(`${String.fromCharCode(mysqlGreeting.length)}\0\0\0${mysqlGreeting}`, "latin1"));
  socket.once("data", () => socket.write(Buffer.from([7, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0])));
};

const subjects: Readonly<Record<string, ProbeSubjects>> = {
  tcp: overTcp(answering("pong"), { send: "ping", expect: "pong" }),
  http: overTcp(answering("HTTP/1.1 204 No Content\r\n\r\n")),
  https: overTls(answering("HTTP/1.1 204 No Content\r\n\r\n"), () => peer(silent, { ca: authority }, true)),
  tls: overTls(silent, () => peer(silent, { ca: authority })),
  grpc: { ...overTcp(silent), good: startGrpc },
  exec: {
    good: () => command("exit 0"),
    silent: () => command("sleep 60"),
    garbage: () => command("head -c 100000 /dev/urandom; exit 1"),
    closing: () => command("kill -KILL $$"),
    absent: undefined,
  },
  redis: overTcp(answering("+PONG\r\n")),
  postgresql: overTcp(answering("R\0\0\0\u0008\0\0\0\u0003")),
  mysql: overTcp(mysqlGood),
  dns: {
    good: () =>
      overUdp({ name: "example.com" }, (query) => {
        const answer = Buffer.from(query);
        answer[2]! |= 0x80;
        return answer;
      }),
    silent: () => overUdp({ name: "example.com" }, () => undefined),
    garbage: undefined,
    closing: undefined,
    absent: () => absent({ name: "example.com" }),
  },
  udp: {
    good: () => overUdp({ send: "ping", expect: "pong" }, () => Buffer.from("pong")),
    silent: () => overUdp({ send: "ping", expect: "pong" }, () => undefined),
    garbage: () => overUdp({ send: "ping", expect: "pong" }, () => Buffer.alloc(60_000, "x")),
    closing: undefined,
    absent: () => absent({ send: "ping", expect: "pong" }),
  },
};

describe("the registry of health checks", () => {
  it("has each name once, and a subject of this test for each", () => {
    const names = probes.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(subjects).toSorted()).toEqual(names.toSorted());
  });
});

for (const probe of probes) describeProbeContract(probe, subjects[probe.name]!);
