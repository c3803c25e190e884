import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { FakeSocket, settled } from "../socket.fixture.ts";
import { sharedReadBuffer } from "../transport.ts";
import { testWorker } from "../worker.fixture.ts";
import { RelayEnd, type EndUser } from "./relay-end.ts";
import { CLOSE_GRACE, Relay } from "./relay.ts";

const IDLE = 60_000;

function user(log: string[], name: string): EndUser {
  return {
    onConnect: () => undefined,
    onData: () => false,
    onFirstData: () => void log.push(`${name} speaks`),
    onEnd: () => undefined,
    onClose: (error) => void log.push(`${name} gone${error === undefined ? "" : `: ${error.message}`}`),
    onBug: (error) => {
      throw error;
    },
  };
}

/** A relay between two fake connections that has begun with `first`. */
function relay(first = "", begin = true) {
  const context = testWorker();
  const log: string[] = [];
  const ends = [new RelayEnd(user(log, "client")), new RelayEnd(user(log, "server"))] as const;
  const [client, server] = [new FakeSocket(ends[0]), new FakeSocket(ends[1])];
  ends[0].attach(client);
  ends[1].attach(server);
  const count = vi.fn();
  const subject = new Relay(ends[0], ends[1], context, IDLE, { count });
  if (begin) subject.begin(Buffer.from(first));
  return { context, log, client, server, ends, subject, count };
}

describe("Relay", () => {
  it("begins with what the client has sent, and passes bytes both ways", async () => {
    const { client, server, log } = relay("hello");
    expect(server.takeSent()).toBe("hello");
    server.receive("welcome");
    client.receive("a");
    client.receive("b");
    expect([client.takeSent(), server.takeSent()]).toEqual(["welcome", "ab"]);
    expect(log).toEqual(["server speaks", "client speaks"]);
  });

  it("lets each direction end by itself", async () => {
    const { client, server, log } = relay();
    client.receive("question");
    client.peerEnd();
    expect([server.sent, server.ended, client.ended]).toEqual(["question", true, false]);
    server.receive("answer");
    server.peerEnd();
    await settled();
    expect([client.sent, client.ended, server.destroyed, client.destroyed]).toEqual(["answer", true, true, true]);
    expect(log).toContain("client gone");
    expect(log).toContain("server gone");
  });

  it("tells the server of an end that came before it began", async () => {
    const { subject, client, server } = relay("", false);
    client.peerEnd();
    subject.begin(Buffer.from("all"));
    expect([server.sent, server.ended]).toEqual(["all", true]);
  });

  it.each(["client", "server"] as const)("waits for a %s that takes nothing, and loses nothing", async (slow) => {
    const { client, server } = relay();
    const [from, to] = slow === "server" ? [client, server] : [server, client];
    to.stall();
    const piece = Buffer.alloc(65_536);
    let given = 0;
    while (from.reading) {
      piece.fill(++given);
      from.receive(piece);
    }
    expect(given).toBeLessThanOrEqual(3);
    to.flow();
    await settled();
    expect(from.reading).toBe(true);
    const expected = Array.from({ length: given }, (_, index) => String.fromCharCode(index + 1).repeat(65_536)).join(
      "",
    );
    expect(to.sent === expected).toBe(true);
  });

  it("delivers what came before a connection was lost", async () => {
    const { client, server, log } = relay();
    client.stall();
    server.receive("last words");
    server.reset();
    expect(client.destroyed).toBe(false);
    client.flow();
    client.peerEnd();
    await settled();
    expect(client.sent).toBe("last words");
    expect(log).toEqual(["server speaks", "server gone: reset", "client gone"]);
  });

  it("does not wait for long for a side that takes nothing when the other one is gone", async () => {
    const { client, server, context, log } = relay();
    client.stall();
    server.receive("last words");
    server.reset();
    context.advance(CLOSE_GRACE - 100);
    expect(client.destroyed).toBe(false);
    context.advance(200);
    expect(client.destroyed).toBe(true);
    await settled();
    expect(log.at(-1)).toBe("client gone");
  });

  it("ends when both sides are silent for long, and not while one of them speaks", async () => {
    const { client, server, context } = relay();
    for (let i = 0; i < 5; i++) {
      context.advance(IDLE - 100);
      expect(client.destroyed).toBe(false);
      (i % 2 === 0 ? client : server).receive("x");
    }
    context.advance(IDLE + 100);
    await settled();
    expect([client.destroyed, server.destroyed]).toEqual([true, true]);
  });

  it("is closed behind what was sent; what still comes is dropped", async () => {
    const { client, server, subject } = relay();
    client.receive("one");
    server.stall();
    client.receive("two");
    subject.close();
    client.receive("three");
    expect([client.ended, server.ended, server.destroyed]).toEqual([true, true, false]);
    server.flow();
    expect(server.sent).toBe("onetwo");
    client.peerEnd();
    server.peerEnd();
    await settled();
    expect([client.destroyed, server.destroyed]).toEqual([true, true]);
  });

  it("counts every byte, now and then and at the end", async () => {
    const { client, server, count } = relay("12345");
    const large = Buffer.alloc(60_000);
    for (let i = 0; i < 18; i++) server.receive(large);
    expect(count.mock.calls).toEqual([[5, 18 * 60_000]]);
    client.receive("678");
    server.peerEnd();
    client.peerEnd();
    await settled();
    expect(count.mock.calls.slice(1)).toEqual([[3, 0]]);
  });

  it("reads much into buffers of its own, and little into the one that all share", () => {
    const { client, server, ends } = relay();
    expect(ends[0].readBuffer).toBe(sharedReadBuffer);
    client.receive(Buffer.alloc(60_000, 1));
    expect(ends[0].readBuffer).not.toBe(sharedReadBuffer);
    expect(ends[1].readBuffer).toBe(sharedReadBuffer);
    client.receive(Buffer.alloc(60_000, 2));
    client.receive("little");
    expect(ends[0].readBuffer).toBe(sharedReadBuffer);
    expect(server.sent.length).toBe(120_006);
  });

  it("passes on exactly what came, whatever is slow when", async () => {
    const size = fc.constantFrom(1, 100, 4095, 4096, 16_383, 16_384, 65_535, 65_536, 100_000);
    const step = fc.oneof(
      fc.tuple(fc.constant("data"), fc.constantFrom(0, 1), size),
      fc.tuple(fc.constantFrom("stall", "flow", "turn"), fc.constantFrom(0, 1), fc.constant(0)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { client, server, context } = relay();
        const sockets = [client, server];
        const sent = ["", ""];
        let mark = 0;
        for (const [what, side, length] of steps) {
          const socket = sockets[side]!;
          if (what === "data") {
            const text = String.fromCharCode(33 + (mark++ % 90)).repeat(length);
            sent[side] += text;
            socket.receive(text);
          } else if (what === "stall") socket.stall();
          else if (what === "flow") socket.flow();
          else {
            context.advance(6000);
            await settled();
          }
        }
        for (let i = 0; i < 60; i++) {
          client.flow();
          server.flow();
          await settled();
        }
        expect([server.sent === sent[0], client.sent === sent[1]]).toEqual([true, true]);
      }),
      { numRuns: 150 },
    );
  });
});
