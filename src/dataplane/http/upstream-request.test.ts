import { describe, expect, it } from "vitest";
import { requestHead } from "./head.fixture.ts";
import { HeaderEdits } from "./header-edits.ts";
import { upstreamRequestHead, type ForwardedRequest } from "./upstream-request.ts";

function request(lines: string[], more: Partial<ForwardedRequest> = {}): ForwardedRequest {
  const head = requestHead(...lines);
  const { path, query } = head;
  return { head, id: "id-1", path, query, rewrittenHost: "", hasBody: false, wantsUpgrade: false, view: null, ...more };
}
const write = (from: ForwardedRequest, reframed = false) =>
  upstreamRequestHead(from, reframed, "X-Forwarded-For: 192.0.2.1\r\n", "10.0.0.1:80").split("\r\n").slice(0, -2);

const framing = (lines: string[]) => lines.filter((other) => /^(content-length|transfer-encoding):/i.test(other));

describe("upstreamRequestHead", () => {
  it("passes lines on as received, without those of the client's connection, and ours behind them", () => {
    const lines = ["GET /a?b HTTP/1.1", "Host: A.example", "x-A:1", "Connection: keep-alive, x-hop", "X-Hop: 1"];
    expect(write(request([...lines, "X-Forwarded-For: 6.6.6.6", "X-Request-Id: theirs"]))).toEqual([
      "GET /a?b HTTP/1.1",
      "Host: A.example",
      "x-A:1",
      "X-Forwarded-For: 192.0.2.1",
      "X-Request-Id: id-1",
    ]);
  });

  it("names the server in the place of a client that gave no Host", () => {
    expect(write(request(["GET / HTTP/1.0"])).slice(0, 2)).toEqual(["GET / HTTP/1.1", "Host: 10.0.0.1:80"]);
  });

  it("writes Host anew for an absolute target or a rewrite, once", () => {
    const absolute = request(["GET http://b.example/x HTTP/1.1", "Host: a.example"]);
    expect(write(absolute).slice(0, 2)).toEqual(["GET /x HTTP/1.1", "Host: b.example"]);
    const rewritten = request(["GET / HTTP/1.1", "Host: a.example"], { rewrittenHost: "inner", path: "/new" });
    const lines = write(rewritten);
    expect(lines.slice(0, 2)).toEqual(["GET /new HTTP/1.1", "Host: inner"]);
    expect(lines.filter((line) => /^host:/i.test(line))).toHaveLength(1);
  });

  it.each([
    ["Content-Length: 5", "Content-Length: 5"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
  ])("keeps %s, or frames the body anew", (line) => {
    const from = request(["POST / HTTP/1.1", "Host: a", line], { hasBody: true });
    expect(framing(write(from))).toEqual([line]);
    expect(framing(write(from, true))).toEqual(["Transfer-Encoding: chunked"]);
  });

  it("has no framing when there is no body to frame", () => {
    expect(write(request(["GET / HTTP/1.1", "Host: a", "Content-Length: 0"]), true)).not.toContain(
      "Transfer-Encoding: chunked",
    );
  });

  it("asks for an upgrade in its own words", () => {
    const lines = ["GET / HTTP/1.1", "Host: a", "Connection: keep-alive, Upgrade", "Upgrade: websocket"];
    expect(write(request(lines, { wantsUpgrade: true })).slice(-2)).toEqual([
      "Connection: Upgrade",
      "Upgrade: websocket",
    ]);
    expect(write(request(lines)).some((line) => /upgrade/i.test(line))).toBe(false);
  });

  it("applies what filters changed", () => {
    const edits = new HeaderEdits();
    edits.set("X-A", "2");
    const lines = write(request(["GET / HTTP/1.1", "Host: a", "x-a: 1"], { view: { request: { edits } } }));
    expect(lines.filter((line) => /^x-a/i.test(line))).toEqual(["X-A: 2"]);
  });
});
