import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRedirect, type RedirectInput } from "./redirect.ts";

type Partial = Omit<RedirectInput, "query"> & { query?: boolean };
const location = (input: Partial, url: string, scheme = "http", authority = "example.com:8080") => {
  const mark = url.indexOf("?");
  const request = mark < 0 ? { path: url, query: "" } : { path: url.slice(0, mark), query: url.slice(mark) };
  return compileRedirect({ query: true, ...input })(request, scheme, authority);
};

describe("redirect", () => {
  it.each<[Partial, string, string]>([
    [{ path: "/new" }, "/old?a=b", "/new?a=b"],
    [{ path: "/new", query: false }, "/old?a=b", "/new"],
    [{ stripPrefix: "/v1" }, "/v1/x", "/x"],
    [{ addPrefix: "/v2" }, "/x?y", "/v2/x?y"],
    [{ stripPrefix: "/v1", addPrefix: "/v2" }, "/v1", "/v2/"],
    [{ scheme: "https" }, "/x?y", "https://example.com/x?y"],
    [{ scheme: "http" }, "/x", "http://example.com:8080/x"],
    [{ scheme: "https", port: 8443 }, "/", "https://example.com:8443/"],
    [{ scheme: "https", port: 443 }, "/", "https://example.com/"],
    [{ host: "www.example.com" }, "/x", "http://www.example.com/x"],
    [{ host: "www.example.com:81" }, "/x", "http://www.example.com:81/x"],
    [{ host: "www.example.com:80" }, "/x", "http://www.example.com/x"],
    [{ port: 81 }, "/x", "http://example.com:81/x"],
  ])("%j of %s is %s", (input, url, expected) => {
    expect(location(input, url)).toBe(expected);
  });

  it("keeps an IPv6 host and changes its port", () => {
    expect(location({ port: 81 }, "/", "http", "[::1]:8080")).toBe("http://[::1]:81/");
    expect(location({ scheme: "https" }, "/", "http", "[::1]")).toBe("https://[::1]/");
  });

  it("sends to the path alone when the request names no usable host", () => {
    expect(location({ scheme: "https" }, "/x", "http", "")).toBe("/x");
    expect(location({ scheme: "https" }, "/x", "http", "user@evil.test")).toBe("/x");
    expect(location({ host: "a.test" }, "/x", "http", "")).toBe("http://a.test/x");
  });

  it.each([
    "//evil.test/",
    "/\\evil.test",
    "\\\\evil.test",
    "///evil.test",
    "/v1//evil.test",
    "/v1/\\evil.test",
    "*",
    "",
  ])("stays here for the path %s", (path) => {
    const target = location({ stripPrefix: "/v1" }, path);
    expect(new URL(target, "http://here.test").host).toBe("here.test");
  });

  it("lets nothing into the field that could end it, and names no other host", () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom("\r", "\n", "\0", " ", "/", "\\", "@", ":", "é", "\ud800"), fc.string()),
    });
    const input = fc.constantFrom<Partial>(
      { scheme: "https" },
      { stripPrefix: "/a" },
      { port: 81 },
      { addPrefix: "/a" },
    );
    fc.assert(
      fc.property(input, text, text, text, (change, path, query, authority) => {
        const result = compileRedirect({ query: true, ...change })({ path, query: `?${query}` }, "http", authority);
        expect(result).toMatch(/^[\x21-\x7e]+$/);
        if (/^[/]/.test(result)) expect(new URL(result, "http://here.test").host).toBe("here.test");
        else expect(result).toMatch(/^https?:\/\/[A-Za-z0-9._~:[\]-]+\//);
      }),
    );
  });

  it.each<[Partial, string]>([
    [{ path: "new" }, "must start with /"],
    [{ path: "//evil.test" }, "empty"],
    [{ path: "/a", addPrefix: "/b" }, "can do nothing"],
    [{ host: "a/b" }, "not a host"],
    [{ host: "a:1", port: 2 }, "twice"],
  ])("refuses %j", (input, text) => {
    expect(() => compileRedirect({ query: true, ...input })).toThrow(text);
  });
});
