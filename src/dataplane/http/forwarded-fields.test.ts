import { describe, expect, it } from "vitest";
import { acceptableRequestId, forwardedLines, forwardedLinesBehindProxy } from "./forwarded-fields.ts";
import { requestHead } from "./head.fixture.ts";

const parts = { remote: "192.0.2.1", scheme: "http", port: "80", forwarded: true } as const;
const element = (remote: string, authority: string) =>
  /Forwarded: (.*)\r\n$/.exec(forwardedLines({ ...parts, remote }, authority))?.[1];

describe("forwarding fields", () => {
  it("are quoted in Forwarded where RFC 7239 wants it", () => {
    expect(element("192.0.2.1", "a.example")).toBe("for=192.0.2.1;proto=http;host=a.example");
    expect(element("2001:db8::1", "a:80")).toBe('for="[2001:db8::1]";proto=http;host="a:80"');
    expect(element("192.0.2.1", "")).toBe("for=192.0.2.1;proto=http");
  });

  it("go on behind a trusted proxy, with ours at the end", () => {
    const head = requestHead(
      "GET / HTTP/1.1",
      "Host: a",
      "X-Forwarded-For: 1.1.1.1",
      "X-Forwarded-For: 2.2.2.2",
      "X-Forwarded-Host: public.example",
      "X-Forwarded-Port: 443",
      "Forwarded: for=1.1.1.1",
    );
    expect(forwardedLinesBehindProxy(parts, head).split("\r\n")).toEqual([
      "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 192.0.2.1",
      "X-Forwarded-Proto: http",
      "X-Forwarded-Port: 443",
      "X-Forwarded-Host: public.example",
      "Forwarded: for=1.1.1.1, for=192.0.2.1;proto=http;host=a",
      "",
    ]);
  });

  it.each([
    ["abc-1.2:3+/=@_", true],
    ["a".repeat(128), true],
    ["a".repeat(129), false],
    ["", false],
    ["a b", false],
    ["é", false],
    [undefined, false],
  ])("takes the request id %j: %s", (id, taken) => {
    expect(acceptableRequestId(id)).toBe(taken);
  });
});
