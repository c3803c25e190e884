import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answering, check, on, saying, settingsOf, startPeer, until } from "./peer.fixture.ts";
import { encodeCommand, parseReply, RedisError } from "./resp.ts";

async function ask(answer: string, settings: object = {}, timeout = 5000) {
  const peer = await startPeer(answering(answer));
  const result = await check({ type: "redis", ...settings }, on(peer.port), timeout);
  await until("the connection is closed", () => peer.open() === 0);
  return { ...result, sent: peer.text() };
}

const master = "*3\r\n$6\r\nmaster\r\n:3129659\r\n*1\r\n*3\r\n$9\r\n127.0.0.1\r\n$4\r\n9001\r\n$7\r\n3129242\r\n";
const replica = (link: string) =>
  `*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:9000\r\n$${link.length}\r\n${link}\r\n:3167038\r\n`;

describe("redis", () => {
  it("sends PING, and what the settings want around it", async () => {
    expect((await ask("+PONG\r\n")).sent).toBe("*1\r\n$4\r\nPING\r\n");
    const login = { user: "check", password: "pä", role: "master" };
    const { outcome, sent } = await ask(`+OK\r\n+PONG\r\n${master}`, login);
    expect(outcome).toBe("healthy");
    expect(Buffer.from(sent, "latin1").toString()).toBe(
      "*3\r\n$4\r\nAUTH\r\n$5\r\ncheck\r\n$3\r\npä\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nROLE\r\n",
    );
    expect((await ask("+OK\r\n+PONG\r\n", { password: "p" })).sent).toContain("*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n");
  });

  it.each<[string, object, string, string?]>([
    ["+PONG\r\n", {}, "healthy"],
    ["$4\r\nPONG\r\n", {}, "healthy"],
    ["-NOAUTH Authentication required.\r\n", {}, "healthy"],
    [
      "-LOADING Redis is loading the dataset in memory\r\n",
      {},
      "unhealthy",
      "LOADING Redis is loading the dataset in memory",
    ],
    ["-MASTERDOWN Link with MASTER is down\r\n", {}, "unhealthy", "MASTERDOWN Link with MASTER is down"],
    ["-ERR max number of clients reached\r\n", {}, "unhealthy", "ERR max number of clients reached"],
    ["-WRONGPASS no\r\n-NOAUTH\r\n", { password: "x" }, "unhealthy", "login refused: WRONGPASS no"],
    ["+OK\r\n-NOPERM no\r\n", { password: "x" }, "unhealthy", "NOPERM no"],
    [`+PONG\r\n${master}`, { role: "master" }, "healthy"],
    [`+PONG\r\n${master}`, { role: "replica" }, "unhealthy", "role master, expected replica"],
    [`+PONG\r\n${replica("connected")}`, { role: "replica" }, "healthy"],
    [`+PONG\r\n${replica("connected")}`, { role: "master" }, "unhealthy", "role replica, expected master"],
    [`+PONG\r\n${replica("connecting")}`, { role: "replica" }, "degraded", "not connected to its master (connecting)"],
    ["-NOAUTH x\r\n-NOAUTH x\r\n", { role: "master" }, "unhealthy", "role unknown: NOAUTH x"],
    ["+PONG\r\n:1\r\n", { role: "master" }, "unhealthy", "answered ROLE without a role"],
    ["+HELLO\r\n", {}, "unhealthy", 'answered "\\"HELLO\\"" to PING'],
    ["HTTP/1.1 400 Bad Request\r\n\r\n", {}, "unhealthy", "not an answer of Redis: an unknown kind of reply"],
    ["$99999999\r\n", {}, "unhealthy", "not an answer of Redis: a length that is none"],
    ["$2\r\nabc\r\n", {}, "unhealthy", "not an answer of Redis: a text that is longer than it says"],
    ["*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", {}, "unhealthy", "not an answer of Redis: lists that are nested too deeply"],
    ["*999999\r\n", {}, "unhealthy", "not an answer of Redis: a list that is too long"],
    ["+" + "x".repeat(2000), {}, "unhealthy", "not an answer of Redis: a line without an end"],
    [":x\r\n", {}, "unhealthy", "not an answer of Redis: a number that is none"],
    ["\r\n", {}, "unhealthy", "not an answer of Redis: an empty line"],
  ])("%j with %j", async (answer, settings, outcome, reason) => {
    const result = await ask(answer, settings);
    expect([result.outcome, result.reason]).toEqual([outcome, reason]);
  });

  it("tells the role, and that a login is wanted", async () => {
    expect((await ask(`+PONG\r\n${master}`, { role: "master" })).details).toEqual({ role: "master" });
    expect((await ask("-NOAUTH x\r\n")).details).toEqual({ login: "required" });
  });

  it("reads an answer in pieces", async () => {
    const peer = await startPeer((socket) => {
      socket.setNoDelay();
      socket.write("+PO");
      setTimeout(() => socket.write("NG\r\n"), 20);
    });
    expect(await check({ type: "redis" }, on(peer.port))).toMatchObject({ outcome: "healthy" });
  });

  it("takes no more than a bound", async () => {
    const peer = await startPeer(saying("$99999\r\n" + "x".repeat(90_000)));
    expect(await check({ type: "redis" }, on(peer.port))).toMatchObject({
      reason: "answered with more than 65536 bytes",
    });
  });

  it("refuses a user without a password", () => {
    expect(settingsOf({ type: "redis", user: "a" }).problems).toEqual(["`user` needs `password`"]);
  });
});

function encode(value: unknown): string {
  if (value === null) return "$-1\r\n";
  if (typeof value === "number") return `:${value}\r\n`;
  if (typeof value === "string") return `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
  return `*${(value as unknown[]).length}\r\n${(value as unknown[]).map(encode).join("")}`;
}

describe("replies", () => {
  const reply = fc.letrec((tie) => ({
    any: fc.oneof({ depthSize: "small", maxDepth: 3 }, tie("leaf"), fc.array(tie("any"), { maxLength: 4 })),
    leaf: fc.oneof(fc.integer(), fc.string(), fc.constant(null)),
  })).any;

  it("come back as they were, however they are cut", () => {
    fc.assert(
      fc.property(reply, fc.nat(1000), (value, cut) => {
        const bytes = Buffer.from(encode(value));
        expect(parseReply(bytes)).toEqual({ reply: value, end: bytes.length });
        const part = bytes.subarray(0, cut % bytes.length);
        expect(parseReply(part)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it("of any bytes never throw", () => {
    const piece = fc.constantFrom("+", "-", ":", "$", "*", "\r\n", "1", "-1", "3", "abc", "\u0000", "é");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece).map((list) => list.join("")),
          fc.string(),
        ),
        (text) => {
          const bytes = Buffer.from(text);
          const found = parseReply(bytes);
          if (found !== undefined && "end" in found) expect(found.end).toBeLessThanOrEqual(bytes.length);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("of errors have a code", () => {
    expect(parseReply(Buffer.from("-ERR no\r\n"))).toEqual({ reply: new RedisError("ERR no"), end: 9 });
    expect(new RedisError("ERR no").code).toBe("ERR");
  });

  it("answer to commands that read as lists of texts", () => {
    expect(parseReply(Buffer.from(encodeCommand("AUTH", "ü\r\n")))).toMatchObject({ reply: ["AUTH", "ü\r\n"] });
  });
});
