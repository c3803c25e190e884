import { describe, expect, it } from "vitest";
import { webConfig } from "../plan.fixture.ts";
import { sharedReadBuffer, takeReadBuffer } from "../transport.ts";
import { BodyReader, type BodySource } from "./body-reader.ts";
import type { Exchange } from "./exchange.ts";
import { requestHead } from "./head.fixture.ts";
import { TestProxy } from "./proxy.fixture.ts";

/** The connection, the exchange and the server's side in one: takes down what the reader does. */
class Bench implements BodySource {
  readBuffer = sharedReadBuffer;
  deadline = 0;
  current: Exchange | null;
  sent = "";
  readonly calls: string[] = [];
  /** What `send` returns. */
  goOn = true;
  readonly leg: { taken: boolean };
  readonly proxy: TestProxy;
  readonly reader: BodyReader;

  constructor(limits: object, ...lines: string[]) {
    this.proxy = new TestProxy(webConfig(["127.0.0.1:1"], {}, { limits }));
    const leg = {
      filtersBody: false,
      taken: true,
      send: (bytes: Buffer) => {
        this.sent += bytes.toString("latin1");
        return this.goOn;
      },
      sendBorrowed: (bytes: Buffer) => leg.send(bytes),
      flush: () => void this.calls.push("flush"),
      end: (trailers: string) => {
        this.sent += trailers;
        this.calls.push("sendEnd");
      },
    };
    this.leg = leg;
    const refuse = (error: { code: string }) => {
      this.calls.push(`refuse ${error.code}`);
      this.current = null;
    };
    this.current = { leg: { request: leg }, refuse } as unknown as Exchange;
    this.reader = new BodyReader(this, this.proxy);
    this.reader.begin(requestHead("POST / HTTP/1.1", "Host: a", ...lines));
  }
  pauseReading(): void {
    this.calls.push("pause");
  }
  bodyDone(): void {
    this.calls.push("done");
    this.readBuffer = sharedReadBuffer;
  }
  /** What was called without `flush`, which is only a matter of when bytes leave. */
  get events(): string[] {
    return this.calls.filter((call) => call !== "flush");
  }
  /** The text arrives in the present buffer; returns how much of it was the body's. */
  read(text: string): number {
    const buffer = this.readBuffer;
    buffer.write(text, "latin1");
    return this.reader.read(buffer, 0, text.length);
  }
}

describe("BodyReader by length", () => {
  it("takes what is the body's and leaves the rest", () => {
    const bench = new Bench({}, "Content-Length: 6");
    expect(bench.read("abcd")).toBe(4);
    expect(bench.read("efGET /")).toBe(2);
    expect([bench.sent, bench.events]).toEqual(["abcdef", ["done", "sendEnd"]]);
  });

  it("gets a buffer of its own while more is coming, and a new one only if the bytes did not leave", () => {
    const bench = new Bench({}, "Content-Length: 100");
    bench.read("a");
    const own = bench.readBuffer;
    expect(own).not.toBe(sharedReadBuffer);
    bench.read("b");
    expect(bench.readBuffer).toBe(own);
    bench.leg.taken = false;
    bench.read("c");
    expect(bench.readBuffer).not.toBe(own);
    expect(bench.sent).toBe("abc");
  });

  it("gives its buffer back when the body is over and the bytes have left", () => {
    const bench = new Bench({}, "Content-Length: 2");
    bench.read("a");
    const own = bench.readBuffer;
    bench.read("b");
    expect(bench.readBuffer).toBe(sharedReadBuffer);
    expect(takeReadBuffer()).toBe(own);
  });

  it("pauses when the other side cannot take more, but not for the last bytes", () => {
    const bench = new Bench({}, "Content-Length: 4");
    bench.goOn = false;
    bench.read("ab");
    expect(bench.events).toEqual(["pause"]);
    bench.read("cd");
    expect(bench.events).toEqual(["pause", "done", "sendEnd"]);
  });
});

describe("BodyReader by chunks", () => {
  it("takes the framing off, and passes trailers on", () => {
    const bench = new Bench({}, "Transfer-Encoding: chunked");
    expect(bench.read("3;x=y\r\nabc\r\n")).toBe(12);
    expect(bench.read("2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\nGET")).toBe(22);
    expect(bench.sent).toBe("abcdeX-Sum: 1\r\n");
    expect(bench.events).toEqual(["done", "sendEnd"]);
  });

  it("refuses malformed chunks and takes nothing behind them", () => {
    const bench = new Bench({}, "Transfer-Encoding: chunked");
    expect(bench.read("3\nabc")).toBe(5);
    expect(bench.events).toEqual([expect.stringMatching(/^refuse /)]);
    expect(bench.sent).toBe("");
  });

  it("is in step again for the next body", () => {
    const bench = new Bench({}, "Transfer-Encoding: chunked");
    bench.read("5\r\nab");
    bench.reader.begin(requestHead("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"));
    bench.sent = "";
    bench.read("1\r\nx\r\n0\r\n\r\n");
    expect(bench.sent).toBe("x");
  });
});

describe("BodyReader: limits", () => {
  it("refuses a chunked body that grows too long", () => {
    const bench = new Bench({ maxBodySize: 4 }, "Transfer-Encoding: chunked");
    bench.read("4\r\nabcd\r\n");
    expect(bench.events).toEqual([]);
    bench.read("1\r\ne\r\n");
    expect(bench.events).toEqual(["refuse body_too_large"]);
    expect(bench.sent).toBe("abcd");
  });

  it("moves the deadline with each read", () => {
    const bench = new Bench({ bodyTimeout: "7s" }, "Content-Length: 100");
    bench.proxy.context.advance(500);
    bench.read("a");
    expect(bench.deadline).toBe(bench.proxy.context.now + 7000);
  });

  it("refuses a body that is too slow after 10 s, unless it was paused by us", () => {
    for (const paused of [false, true]) {
      const bench = new Bench({ minBodyRate: 100 }, "Content-Length: 100000");
      bench.read("x".repeat(100));
      if (paused) bench.reader.paused();
      bench.proxy.context.advance(10_000);
      bench.read("x");
      expect(bench.events).toEqual([]);
      bench.proxy.context.advance(50);
      bench.read("x");
      expect(bench.events).toEqual(paused ? [] : ["refuse body_too_slow"]);
    }
  });

  it("measures the rate anew after a pause, which a client could bring about to be slow for ever", () => {
    const bench = new Bench({ minBodyRate: 100 }, "Content-Length: 100000");
    bench.read("x".repeat(5000));
    bench.reader.paused();
    bench.proxy.context.advance(20_000);
    bench.reader.resumed();
    bench.read("x");
    bench.proxy.context.advance(10_050);
    bench.read("x");
    expect(bench.events).toEqual(["refuse body_too_slow"]);
  });
});
