import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errors } from "../../core/errors.ts";
import { errorAnswer, wantsHtml } from "./error-answer.ts";
import { responseHead } from "./head.fixture.ts";

function parse(text: string) {
  const at = text.indexOf("\r\n\r\n");
  return { head: responseHead("GET", text.slice(0, at)), body: text.slice(at + 4) };
}

describe("errorAnswer", () => {
  it("is JSON with the code and the request id", () => {
    const { head, body } = parse(errorAnswer(errors.noRoute, "No route.", undefined, "id-1", "X-More: 1\r\n", true));
    expect([head.status, head.get("content-type"), head.get("x-request-id"), head.get("x-more")]).toEqual([
      404,
      "application/json",
      "id-1",
      "1",
    ]);
    expect(head.get("cache-control")).toBe("no-store");
    expect(JSON.parse(body)).toEqual({
      error: { status: 404, code: "no_route", message: "No route.", requestId: "id-1" },
    });
  });

  it("has the same head for HEAD", () => {
    const whole = errorAnswer(errors.noServer, "x", "text/html", "i", "", true);
    const headOnly = errorAnswer(errors.noServer, "x", "text/html", "i", "", false);
    expect(parse(whole).head.contentLength).toBe(parse(whole).body.length);
    expect(headOnly).toMatch(/\r\n\r\n$/);
    expect(parse(headOnly).head.contentLength).toBe(parse(whole).head.contentLength);
  });

  it("escapes what it quotes in HTML, and its length is right whatever the message", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constant('<script>&"')), fc.boolean(), (message, html) => {
        const text = errorAnswer(errors.badResponse, message, html ? "text/html" : "*/*", "<i>", "", true);
        const { head, body } = parse(text);
        // As it is written: latin1.
        expect(head.contentLength).toBe(Buffer.from(body, "latin1").length);
        if (html) expect(body).not.toMatch(/<script>|<i>/);
      }),
    );
  });

  it.each([
    ["text/html,application/xhtml+xml,*/*;q=0.8", true],
    ["application/json", false],
    ["*/*", false],
    ["text/html;q=0.4, application/json", false],
    ["application/json;q=0.4, TEXT/HTML", true],
    ["text/html;q=0", false],
    ["text/html;q=x", false],
    ["", false],
  ])("%j asks for HTML: %s", (accept, html) => {
    expect(wantsHtml(accept)).toBe(html);
  });
});
