import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import dnsPacket from "dns-packet";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { decodeAnswer, encodeName, encodeQuery } from "./dns-message.ts";
import { check, on, settingsOf } from "./peer.fixture.ts";

type Reply = (message: Buffer, socket: Socket, from: RemoteInfo) => unknown;

/** A UDP server on 127.0.0.1; `messages` is everything that it got. */
async function startUdp(reply: Reply) {
  const socket = createSocket("udp4");
  const messages: Buffer[] = [];
  socket.on("message", (message, from) => {
    messages.push(message);
    reply(message, socket, from);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  let open = true;
  const close = (): void => {
    if (open) socket.close();
    open = false;
  };
  onTestFinished(close);
  return { port: socket.address().port, messages, close };
}

const saying =
  (...answers: readonly (string | Buffer)[]): Reply =>
  (_message, socket, from) => {
    for (const answer of answers) socket.send(answer, from.port, from.address);
  };

describe("udp", () => {
  it.each<[object, Reply, string?]>([
    [{ send: "ping", expect: "pong" }, saying("pong!")],
    [{ send: "ping", expect: "pong" }, saying("what?"), 'answered "what?", expected "pong"'],
    [{ sendHex: "01 02", expectHex: "03" }, saying(Buffer.from([1, 3]))],
    [{ send: "ping", expectPattern: "^p.ng" }, saying("pang")],
    [{ send: "ping", expect: "pong" }, () => undefined, "no answer within 150 ms"],
    [{ send: "ping" }, saying("anything")],
    [{ send: "ping", wait: "20ms" }, () => undefined],
    [{ wait: "20ms" }, () => undefined],
  ])("%j", async (settings, reply, reason) => {
    const server = await startUdp(reply);
    const result = await check({ type: "udp", ...settings }, on(server.port), 150);
    expect([result.outcome, result.reason]).toEqual(
      reason === undefined ? ["healthy", undefined] : ["unhealthy", reason],
    );
  });

  it("notices that nothing listens", async () => {
    const server = await startUdp(() => undefined);
    server.close();
    for (const settings of [{}, { send: "a", expect: "b" }]) {
      expect(await check({ type: "udp", ...settings }, on(server.port))).toEqual({
        outcome: "unhealthy",
        reason: "connection refused",
        unreachable: true,
      });
    }
  });

  it("asks again when a datagram is lost", async () => {
    let count = 0;
    const server = await startUdp((_message, socket, from) => {
      if (++count === 2) socket.send("pong", from.port, from.address);
    });
    expect(await check({ type: "udp", send: "ping", expect: "pong" }, on(server.port), 300)).toEqual({
      outcome: "healthy",
    });
    expect(server.messages.map(String)).toEqual(["ping", "ping"]);
  });

  it("hears only the server", async () => {
    const stranger = createSocket("udp4");
    onTestFinished(() => void stranger.close());
    const server = await startUdp((_message, _socket, from) => stranger.send("pong", from.port, from.address));
    expect(await check({ type: "udp", send: "ping", expect: "pong" }, on(server.port), 150)).toMatchObject({
      reason: "no answer within 150 ms",
    });
  });

  it("cannot ask a unix socket", async () => {
    const target = { address: { kind: "unix", path: "/run/a.sock" }, server: "a", pool: "web" } as const;
    await expect(check({ type: "udp" }, target)).rejects.toThrow("a unix socket cannot be checked over UDP");
  });

  it("speaks IPv6", async () => {
    const socket = createSocket("udp6");
    onTestFinished(() => void socket.close());
    socket.on("message", (_message, from) => socket.send("pong", from.port, from.address));
    await new Promise<void>((resolve) => socket.bind(0, "::1", resolve));
    const target = on(socket.address().port, "::1");
    expect(await check({ type: "udp", send: "a", expect: "pong" }, target)).toEqual({ outcome: "healthy" });
  });
});

interface Answer {
  readonly id?: number;
  readonly flags?: number;
  readonly question?: Buffer;
  readonly records?: readonly Buffer[];
}

/** An answer to a query, made by hand. */
function answerTo(query: Buffer, { id, flags = 0x8180, question, records = [] }: Answer = {}): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id ?? query.readUInt16BE(0), 0);
  head.writeUInt16BE(flags, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question ?? query.subarray(12), ...records]);
}
/** A record whose name is a pointer to the question. */
function record(type: number, data: readonly number[]): Buffer {
  return Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]);
}
const replying =
  (make: (query: Buffer) => Buffer | readonly Buffer[]): Reply =>
  (query, socket, from) => {
    for (const answer of [make(query)].flat() as Buffer[]) socket.send(answer, from.port, from.address);
  };

describe("dns", () => {
  const name = "health.example.com";

  it("asks for a name", async () => {
    const server = await startUdp(replying((query) => answerTo(query, { records: [record(1, [192, 0, 2, 1])] })));
    expect(await check({ type: "dns", name }, on(server.port))).toEqual({
      outcome: "healthy",
      details: { code: "NOERROR", records: 1 },
    });
    expect(server.messages[0]!.subarray(2).toString("latin1")).toBe(
      "\u0001\0\0\u0001\0\0\0\0\0\0\u0006health\u0007example\u0003com\0\0\u0001\0\u0001",
    );
  });

  it.each<[string, object, (query: Buffer) => Buffer | readonly Buffer[], string?]>([
    ["SERVFAIL", {}, (query) => answerTo(query, { flags: 0x8182 }), "response code SERVFAIL, expected NOERROR"],
    ["NXDOMAIN", {}, (query) => answerTo(query, { flags: 0x8183 }), "response code NXDOMAIN, expected NOERROR"],
    ["an expected NXDOMAIN", { expectedCode: "NXDOMAIN" }, (query) => answerTo(query, { flags: 0x8183 })],
    ["an unknown code", {}, (query) => answerTo(query, { flags: 0x818f }), "response code 15, expected NOERROR"],
    [
      "the address",
      { expectedAddress: "192.0.2.1" },
      (query) => answerTo(query, { records: [record(1, [192, 0, 2, 7]), record(1, [192, 0, 2, 1])] }),
    ],
    [
      "another address",
      { expectedAddress: "192.0.2.1" },
      (query) => answerTo(query, { records: [record(1, [192, 0, 2, 7])] }),
      "addresses 192.0.2.7, expected 192.0.2.1",
    ],
    ["no address", { expectedAddress: "192.0.2.1" }, (query) => answerTo(query), "addresses none, expected 192.0.2.1"],
    [
      "truncated",
      { expectedAddress: "192.0.2.1" },
      (query) => answerTo(query, { flags: 0x8380 }),
      "the answer is truncated, expected 192.0.2.1",
    ],
    [
      "IPv6",
      { recordType: "AAAA", expectedAddress: "2001:db8::1" },
      (query) => answerTo(query, { records: [record(28, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])] }),
    ],
    [
      "another case",
      {},
      (query) =>
        answerTo(query, { question: Buffer.from(query.subarray(12).toString("latin1").toUpperCase(), "latin1") }),
    ],
    [
      "another id first",
      {},
      (query) => [answerTo(query, { id: query.readUInt16BE(0) ^ 1, flags: 0x8182 }), answerTo(query)],
    ],
    [
      "another question first",
      {},
      (query) => [
        answerTo(query, { question: Buffer.from("\u0001x\0\0\u0001\0\u0001"), flags: 0x8182 }),
        answerTo(query),
      ],
    ],
    ["a question first", {}, (query) => [query, answerTo(query)]],
    ["bytes first", {}, (query) => [Buffer.from("x"), Buffer.alloc(600, 0xff), answerTo(query)]],
    [
      "no question in a refusal",
      {},
      (query) => Buffer.from([query[0]!, query[1]!, 0x81, 0x85, 0, 0, 0, 0, 0, 0, 0, 0]),
      "response code REFUSED, expected NOERROR",
    ],
    [
      "a cut answer",
      { expectedAddress: "192.0.2.1" },
      (query) => answerTo(query, { records: [record(1, [192, 0, 2, 1])] }).subarray(0, -2),
      "an answer that cannot be read",
    ],
    [
      "only wrong answers",
      {},
      (query) => answerTo(query, { id: query.readUInt16BE(0) ^ 1 }),
      "no answer within 150 ms",
    ],
  ])("%s", async (_name, settings, make, reason) => {
    const server = await startUdp(replying(make));
    const result = await check(
      { type: "dns", name, ...settings },
      on(server.port),
      reason?.includes("within") ? 150 : 5000,
    );
    expect([result.outcome, result.reason]).toEqual(
      reason === undefined ? ["healthy", undefined] : ["unhealthy", reason],
    );
  });

  it("takes another id each time", async () => {
    const server = await startUdp(replying((query) => answerTo(query)));
    for (let index = 0; index < 8; index++) await check({ type: "dns", name }, on(server.port));
    expect(new Set(server.messages.map((query) => query.readUInt16BE(0))).size).toBeGreaterThan(1);
  });

  it.each<[object, string]>([
    [{}, '"name" is missing'],
    [{ name: "a..b" }, "`name` is not a domain name"],
    [{ name: "x".repeat(64) }, "`name` is not a domain name"],
    [{ name, recordType: "ANY" }, "one of A, NS"],
    [{ name, expectedAddress: "::1" }, "`expectedAddress` is not an address as in A records"],
    [{ name, recordType: "MX", expectedAddress: "192.0.2.1" }, "`expectedAddress` needs `recordType` A or AAAA"],
  ])("refuses %j", (settings, text) => {
    expect(settingsOf({ type: "dns", ...settings }).problems.join()).toContain(text);
  });
});

describe("answers of DNS", () => {
  const query = encodeQuery(1, encodeName("a.example")!, "A");

  it("of any bytes are none, are read, or throw a RangeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(5), (rest, count) => {
        const records = Array.from({ length: count }, () => Buffer.alloc(0));
        const message = Buffer.concat([answerTo(query, { records }), rest]);
        try {
          expect(decodeAnswer(message, query)!.addresses.length).toBeLessThanOrEqual(count);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
        decodeAnswer(Buffer.from(rest), query);
      }),
      { numRuns: 1000 },
    );
  });

  it("agree with another codec about questions and answers", () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
    const address = fc.oneof(
      fc.ipV4().map((data) => ({ type: "A", data }) as const),
      // Some of the texts that an address may have, the other codec does not read.
      fc.ipV6().map((text) => ({ type: "AAAA", data: ipaddr.parse(text).toNormalizedString() }) as const),
    );
    fc.assert(
      fc.property(
        fc.array(label, { minLength: 1, maxLength: 4 }),
        fc.array(address, { maxLength: 5 }),
        (labels, found) => {
          const name = labels.join(".");
          const question = encodeQuery(7, encodeName(name)!, "AAAA");
          const read = dnsPacket.decode(question);
          expect(read).toMatchObject({
            id: 7,
            flags: dnsPacket.RECURSION_DESIRED,
            questions: [{ name, type: "AAAA" }],
          });
          const cname = { type: "CNAME", name, data: `x.${name}` } as const;
          const answers = [cname, ...found.map((each) => ({ ...each, name: cname.data }))];
          const message = dnsPacket.encode({ type: "response", id: 7, questions: read.questions ?? [], answers });
          expect(decodeAnswer(message, question)).toEqual({
            code: "NOERROR",
            truncated: false,
            records: answers.length,
            addresses: found.map(({ data }) => data),
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it("ask for names as RFC 1035 has them", () => {
    expect(encodeName("a.bc.")).toEqual(Buffer.from("\u0001a\u0002bc\0"));
    expect(encodeName(".")).toEqual(Buffer.from([0]));
    expect(encodeName(`${"x".repeat(63)}.`.repeat(4))).toBeUndefined();
  });
});
