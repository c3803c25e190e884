import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestBody } from "./request-body.ts";

class Sink {
  text = "";
  sendBody(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString("latin1");
  }
}

function bodyOf(limit: number, expected = -1): RequestBody {
  const body = new RequestBody();
  body.reset();
  body.limit = limit;
  body.expected = expected;
  return body;
}

describe("RequestBody", () => {
  it("asks for a pause once it holds its limit, and loses nothing all the same", () => {
    const body = bodyOf(4);
    expect([body.hold(Buffer.from("ab")), body.hold(Buffer.from("cd")), body.hold(Buffer.from("ef"))]).toEqual([
      true,
      false,
      false,
    ]);
    const sink = new Sink();
    body.sendTo(sink);
    expect(sink.text).toBe("abcdef");
    expect(body.replayable(true)).toBe(false);
  });

  it("does not copy anything of a body whose length is over the limit", () => {
    const body = bodyOf(4, 5);
    body.sendTo(new Sink());
    expect(body.replayable(true)).toBe(false);
  });

  it("can always send a request again that has no body", () => {
    const body = bodyOf(0);
    body.forget();
    expect([body.replayable(false), body.replayable(true)]).toEqual([true, false]);
  });

  it("is new after a reset", () => {
    const body = bodyOf(10);
    body.keepCopy(Buffer.from("old"));
    body.complete = true;
    body.forget();
    body.reset();
    expect([body.complete, body.replayable(true)]).toEqual([false, true]);
    const sink = new Sink();
    body.sendTo(sink);
    expect(sink.text).toBe("");
  });

  it("sends all of it again or says that it cannot, however the pieces come", () => {
    const pieces = fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 10 });
    fc.assert(
      fc.property(pieces, fc.nat(10), fc.nat(100), (texts, connectedAt, limit) => {
        const body = bodyOf(limit);
        const first = new Sink();
        let sent = "";
        texts.forEach((text, i) => {
          const bytes = Buffer.from(text, "latin1");
          if (i === connectedAt) body.sendTo(first);
          if (i < connectedAt) body.hold(bytes);
          else {
            body.keepCopy(bytes);
            first.sendBody(bytes);
            // The buffer is read into again.
            bytes.fill(0);
          }
          sent += text;
        });
        if (connectedAt >= texts.length) body.sendTo(first);
        expect(first.text).toBe(sent);
        expect(body.replayable(true)).toBe(sent.length <= limit);
        if (!body.replayable(true)) return;
        const second = new Sink();
        body.sendTo(second);
        expect(second.text).toBe(sent);
      }),
    );
  });
});
