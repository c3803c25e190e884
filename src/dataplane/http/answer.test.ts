import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { responseHead } from "./head.fixture.ts";
import { answerText } from "./answer.ts";

const lines = (head: string) => head.split("\r\n");

describe("answerText", () => {
  it("makes a head with date, type and length, and the body as UTF-8", () => {
    const [head, body] = answerText({ status: 200, body: "größer" }, false, "Connection: close\r\n");
    expect(lines(head)).toEqual([
      "HTTP/1.1 200 OK",
      expect.stringMatching(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/),
      "Content-Type: text/plain; charset=utf-8",
      "Content-Length: 8",
      "Connection: close",
      "",
      "",
    ]);
    expect(Buffer.from(body!).toString()).toBe("größer");
  });

  it("keeps a type of its own, and leaves the type out where there is no body", () => {
    expect(answerText({ status: 200, headers: { "content-type": "a/b" }, body: "x" }, false, "")[0]).not.toContain(
      "text/plain",
    );
    expect(answerText({ status: 302, headers: { Location: "/a" } }, false, "")[0]).not.toContain("Content-Type");
  });

  it("answers HEAD as GET, without the body", () => {
    const answer = { status: 200, body: new Uint8Array(5) };
    expect(answerText(answer, true, "")).toEqual([answerText(answer, false, "")[0]]);
  });

  it.each([204, 304])("has neither length nor body for %i", (status) => {
    const [head, body] = answerText({ status, body: "x" }, false, "");
    expect(head).not.toContain("Content-Length");
    expect(body).toBeUndefined();
  });

  it("is one head whatever a filter puts into it, and the framing stays ours", () => {
    const text = fc.oneof(fc.string(), fc.constantFrom("Content-Length", "transfer-encoding", "a\r\nb: c", "é", "a\0"));
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), fc.string(), (fields, body) => {
        const [head] = answerText({ status: 200, headers: Object.fromEntries(fields), body }, false, "");
        const parsed = responseHead("GET", head.slice(0, -4));
        expect(parsed.contentLength).toBe(Buffer.byteLength(body));
        expect([parsed.chunked, parsed.keepAlive]).toEqual([false, true]);
      }),
    );
  });
});
