import { describe, expect, it } from "vitest";
import {
  data,
  get,
  goAway,
  headers,
  ok,
  ping,
  post,
  settings,
  splitFrames,
  windowUpdate,
  describeFrame,
  rst,
} from "../../test/http2/support/raw-frames.ts";
import { RecordedConnection } from "../../test/http2/support/recorded-connection.ts";
import { ErrorCode } from "./error-code.ts";
import { FieldList } from "./field-list.ts";
import { HpackDecoder } from "./hpack/decoder.ts";

const server = (peerSettings = {}, options = {}): RecordedConnection =>
  RecordedConnection.established({ role: "server", ...options }, peerSettings);
const client = (peerSettings = {}, options = {}): RecordedConnection =>
  RecordedConnection.established({ role: "client", ...options }, peerSettings);

const WINDOW = 4;
const MAX_STREAMS = 3;

describe("output", () => {
  it("is announced once, behind the bytes that were received, until it was taken", () => {
    const recorded = server();
    recorded.announced = 0;
    recorded.feed(ping(), ping());
    expect(recorded.announced).toBe(1);
    recorded.feed(ping());
    recorded.connection.ping();
    expect(recorded.announced).toBe(1);
    expect(recorded.frames()).toEqual(["PING ack", "PING ack", "PING ack", "PING"]);
    recorded.connection.ping();
    expect(recorded.announced).toBe(2);
  });

  it("is announced when a window opens", () => {
    const recorded = server({ [WINDOW]: 0 });
    recorded.feed(headers(1, get, { end: true }));
    recorded.head(recorded.stream(1), ok, false);
    recorded.stream(1).sendData(Buffer.alloc(5), true);
    expect(recorded.frames()).toEqual(["HEADERS 1"]);
    recorded.announced = 0;
    recorded.feed(windowUpdate(1, 5));
    expect(recorded.announced).toBe(1);
    expect(recorded.frames()).toEqual(["DATA 1 5 end"]);
  });

  it("of bodies waits while the socket is full; heads and replies do not", () => {
    const recorded = server();
    recorded.connection.blocked = true;
    recorded.feed(headers(1, get, { end: true }), ping());
    recorded.head(recorded.stream(1), ok, false);
    recorded.stream(1).sendData(Buffer.alloc(10), true);
    expect(recorded.frames()).toEqual(["PING ack", "HEADERS 1"]);
    expect(recorded.connection.queuedBytes).toBe(10);
    expect(recorded.stream(1).unsent).toBe(10);
    expect(recorded.connection.hasOutput).toBe(false);
    recorded.connection.blocked = false;
    expect(recorded.connection.hasOutput).toBe(true);
    expect(recorded.frames()).toEqual(["DATA 1 10 end"]);
    expect(recorded.connection.queuedBytes).toBe(0);
  });

  it("comes in buffers of about 64 KiB", () => {
    const recorded = server({ [WINDOW]: 1_000_000 });
    recorded.feed(headers(1, get, { end: true }), windowUpdate(0, 1_000_000));
    recorded.head(recorded.stream(1), ok, false);
    recorded.stream(1).sendData(Buffer.alloc(500_000), true);
    let total = 0;
    for (let bytes = recorded.connection.takeOutput(); bytes !== null; bytes = recorded.connection.takeOutput()) {
      expect(bytes.length).toBeLessThanOrEqual(67_000);
      total += bytes.length;
      recorded.connection.recycle(bytes);
    }
    expect(total).toBeGreaterThan(500_000);
    expect(total).toBeLessThan(501_000);
  });
});

describe("a stream that sends", () => {
  it("says when its end is out, at once or later", () => {
    const recorded = server({ [WINDOW]: 10 });
    recorded.feed(headers(1, post), headers(3, post), headers(5, post));
    recorded.events.length = 0;
    recorded.head(recorded.stream(1), ok, true);
    recorded.head(recorded.stream(3), ok, false);
    recorded.stream(3).sendEnd();
    recorded.head(recorded.stream(5), ok, false);
    recorded.stream(5).sendData(Buffer.alloc(20), true);
    expect(recorded.stream(5).sendingEnded).toBe(true);
    expect(recorded.events).toEqual(["1 sent", "3 sent"]);
    recorded.feed(windowUpdate(5, 10));
    recorded.frames();
    expect(recorded.events).toEqual(["1 sent", "3 sent", "5 sent"]);
    expect(recorded.stream(5).closed).toBe(false);
    recorded.feed(data(5, "", { end: true }));
    expect(recorded.stream(5).closed).toBe(true);
  });

  it("wants no more when 64 KiB wait, and more when most of it is on its way", () => {
    const recorded = server({ [WINDOW]: 0 });
    recorded.feed(headers(1, get, { end: true }));
    const stream = recorded.stream(1);
    recorded.head(stream, ok, false);
    stream.sendData(Buffer.alloc(65_536), false);
    expect(stream.needsDrain).toBe(false);
    stream.sendData(Buffer.alloc(1), false);
    expect(stream.needsDrain).toBe(true);
    recorded.events.length = 0;
    recorded.feed(windowUpdate(1, 40_000));
    recorded.frames();
    expect(recorded.events).toEqual([]);
    recorded.feed(windowUpdate(1, 20_000));
    recorded.frames();
    expect(recorded.events).toEqual(["1 drain"]);
    expect(stream.needsDrain).toBe(false);
  });

  it("takes nothing behind its end, and throws rather than lose a header block", () => {
    const recorded = server();
    recorded.feed(headers(1, get, { end: true }));
    const stream = recorded.stream(1);
    expect(() => stream.sendData(Buffer.alloc(1), false)).toThrow("DATA before a head");
    recorded.head(stream, ok, false);
    stream.sendData(Buffer.from("abcdef"), true, 2, 4);
    stream.sendData(Buffer.alloc(10), true);
    stream.sendEnd();
    stream.reset(8);
    expect(recorded.frames()).toEqual(["HEADERS 1", "DATA 1 2 end"]);
    expect(() => recorded.head(stream, ok, true)).toThrow("over");
  });

  it("sends trailers behind what waits, whatever was encoded meanwhile", () => {
    const recorded = server({ [WINDOW]: 0 });
    const { connection } = recorded;
    recorded.feed(headers(1, get, { end: true }), headers(3, get, { end: true }));
    const first = recorded.stream(1);
    recorded.head(first, [...ok, ["x-a", "one"]], false);
    first.sendData(Buffer.alloc(10), false);
    connection.encoder.begin(true);
    connection.encoder.field("x-sum", "10");
    connection.encoder.field("x-a", "one");
    first.sendHead(true);
    for (let i = 0; i < 3; i++) {
      recorded.head(recorded.stream(3), [...ok, ["x-a", "one"], ["x-b", "two"]], false);
    }
    // The peer wants no table any more: it has to be told of that first of all, so by the trailers.
    recorded.feed(settings({ 1: 0 }), windowUpdate(1, 10));
    const frames = splitFrames(recorded.output());
    expect(frames.map(describeFrame)).toEqual([
      "HEADERS 1",
      "HEADERS 3",
      "HEADERS 3",
      "HEADERS 3",
      "SETTINGS ack",
      "DATA 1 10",
      "HEADERS 1 end",
    ]);
    const decoder = new HpackDecoder(4096);
    const fields = new FieldList();
    const blocks = frames
      .filter(({ type }) => type === 1)
      .map(({ payload }) => {
        fields.reset();
        expect(decoder.decode(payload, 0, payload.length, fields)).toBeNull();
        return fields.fields.slice(0, fields.count).map(({ name, value }) => `${name}=${value}`);
      });
    expect(blocks[3]).toEqual([":status=200", "x-a=one", "x-b=two"]);
    expect(blocks[4]).toEqual(["x-sum=10", "x-a=one"]);
    expect(frames.at(-1)!.payload[0]).toBe(0x20);
    expect(recorded.events).toContain("1 sent");
  });

  it("throws at trailers that have to wait and were not encoded for it", () => {
    const recorded = server({ [WINDOW]: 0 });
    recorded.feed(headers(1, get, { end: true }));
    recorded.head(recorded.stream(1), ok, false);
    recorded.stream(1).sendData(Buffer.alloc(1), false);
    expect(() => recorded.head(recorded.stream(1), [["x", "y"]], true)).toThrow("begin(true)");
  });

  it("sends a long head in several frames", () => {
    const recorded = server();
    recorded.feed(headers(1, get, { end: true }));
    recorded.head(recorded.stream(1), [...ok, ["x", "\x01\x02".repeat(10_000)]], true);
    expect(recorded.frames()).toEqual(["HEADERS 1 end", "CONTINUATION 1"]);
  });

  it("lets others have their turn", () => {
    const recorded = server({ [WINDOW]: 10_000_000 });
    recorded.feed(windowUpdate(0, 10_000_000), headers(1, get, { end: true }), headers(3, get, { end: true }));
    recorded.head(recorded.stream(1), ok, false);
    recorded.stream(1).sendData(Buffer.alloc(5_000_000), true);
    recorded.head(recorded.stream(3), ok, false);
    recorded.stream(3).sendData(Buffer.alloc(100), true);
    const lines = recorded.frames();
    expect(lines.indexOf("DATA 3 100 end")).toBeLessThan(12);
    expect(lines.at(-1)).toMatch(/^DATA 1 \d+ end$/);
  });
});

describe("a client", () => {
  it("gives identifiers in the order in which heads are sent", () => {
    const { connection, head } = wrap(client());
    const [a, b] = [connection.openStream(silent)!, connection.openStream(silent)!];
    expect([a.id, b.id]).toEqual([0, 0]);
    head(b);
    head(a);
    expect([a.id, b.id]).toEqual([3, 1]);
  });

  it("opens as many streams as the server allows, 100 before it has said", () => {
    const early = new RecordedConnection({ role: "client" });
    expect(early.connection.peerMaxStreams).toBe(100);
    for (let i = 0; i < 100; i++) early.request(get, true);
    expect(early.connection.openStream(silent)).toBeNull();
    const recorded = client({ [MAX_STREAMS]: 2 });
    const { connection } = recorded;
    recorded.request(get, true);
    recorded.request(get, true);
    expect([connection.canOpen, connection.activeStreams, connection.openStream(silent)]).toEqual([false, 2, null]);
    recorded.feed(headers(1, ok, { end: true }));
    expect(connection.canOpen).toBe(true);
    recorded.feed(settings({ [MAX_STREAMS]: 0 }));
    expect(connection.canOpen).toBe(false);
    recorded.feed(settings({ [MAX_STREAMS]: 5 }), goAway(3));
    expect(connection.canOpen).toBe(false);
  });

  it("does not tell the server of a stream that was given up before its head", () => {
    const { connection } = client({ [MAX_STREAMS]: 1 });
    const stream = connection.openStream(silent)!;
    expect(connection.canOpen).toBe(false);
    stream.reset(ErrorCode.cancel);
    expect(connection.canOpen).toBe(true);
    expect(connection.hasOutput).toBe(false);
  });

  it("knows what the server has certainly not seen when the connection is lost", () => {
    const recorded = client();
    recorded.request(get, true);
    recorded.frames();
    recorded.request(get, true);
    const resets: boolean[] = [];
    recorded.connection.openStream({ ...silent, onReset: (_code, processed) => resets.push(processed) });
    recorded.connection.socketClosed();
    expect(recorded.events).toContain("1 reset CANCEL");
    expect(recorded.events).toContain("3 reset CANCEL unprocessed");
    expect(resets).toEqual([false]);
    expect(recorded.connection.activeStreams).toBe(0);
    recorded.connection.socketClosed();
  });

  it("ends streams that were opened and not begun when the server goes away", () => {
    const recorded = client();
    const resets: boolean[] = [];
    recorded.connection.openStream({ ...silent, onReset: (_code, processed) => resets.push(processed) });
    recorded.feed(goAway(0x7fffffff));
    expect(resets).toEqual([false]);
  });

  it("knows whether extended CONNECT is understood", () => {
    expect(client().connection.peerAllowsConnectProtocol).toBe(false);
    expect(client({ 8: 1 }).connection.peerAllowsConnectProtocol).toBe(true);
  });
});

describe("a server", () => {
  it("counts streams until they are closed and released", () => {
    const recorded = server();
    recorded.feed(headers(1, get, { end: true }), headers(3, get, { end: true }), headers(5, post));
    expect(recorded.connection.streamCount).toBe(3);
    recorded.head(recorded.stream(1), ok, true);
    recorded.feed(rst(3, 8));
    recorded.stream(5).release();
    expect(recorded.connection.streamCount).toBe(3);
    recorded.stream(1).release();
    recorded.stream(1).release();
    recorded.stream(3).release();
    expect(recorded.connection.streamCount).toBe(1);
    recorded.stream(5).reset(8);
    expect(recorded.connection.streamCount).toBe(0);
  });

  it("gives the connection up when its owner wants that", () => {
    const recorded = server();
    recorded.feed(headers(1, get, { end: true }));
    recorded.connection.fail(ErrorCode.settingsTimeout, "SETTINGS is not acknowledged");
    expect(recorded.frames()).toEqual(["GOAWAY 1 SETTINGS_TIMEOUT"]);
    expect(recorded.events.slice(1)).toEqual(["1 reset SETTINGS_TIMEOUT", "error SETTINGS_TIMEOUT"]);
    recorded.connection.ping();
    recorded.connection.goAway();
    expect(recorded.frames()).toEqual([]);
  });

  it("keeps the priority that the peer has set by a frame over the one of the field", () => {
    const recorded = server();
    recorded.feed(headers(1, get, { end: true }), headers(3, get, { end: true }));
    recorded.feed(Buffer.from([0, 0, 7, 16, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x75, 0x3d, 0x36]));
    recorded.stream(1).setPriorityField("u=0");
    recorded.stream(3).setPriorityField("u=5");
    recorded.connection.blocked = true;
    for (const id of [1, 3]) {
      recorded.head(recorded.stream(id), ok, false);
      recorded.stream(id).sendData(Buffer.alloc(1), true);
    }
    recorded.connection.blocked = false;
    expect(recorded.frames()).toEqual(["HEADERS 1", "HEADERS 3", "DATA 3 1 end", "DATA 1 1 end"]);
  });
});

const silent = { onHead() {}, onData() {}, onReset() {}, onDrain() {}, onSent() {} };

function wrap(recorded: RecordedConnection) {
  return {
    connection: recorded.connection,
    head: (stream: Parameters<RecordedConnection["head"]>[0]) => recorded.head(stream, get, true),
  };
}
