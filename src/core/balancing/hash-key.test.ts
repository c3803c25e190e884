import { describe, expect, it } from "vitest";
import { hashString } from "../hashing/hash.ts";
import { compileHashKey, hashKeyProblem, type KeySource } from "./hash-key.ts";

const request: KeySource = {
  client: "192.0.2.7",
  host: "example.com",
  path: "/a/b",
  query: "?x=1&user=42&empty=&user=43&xuser=5",
  get: (name) => ({ "x-user": "anna" })[name],
  cookie: (name) => ({ Session: "s1" })[name],
};

describe("compileHashKey", () => {
  it.each([
    ["client", "192.0.2.7"],
    ["host", "example.com"],
    ["path", "/a/b"],
    ["uri", "/a/b?x=1&user=42&empty=&user=43&xuser=5"],
    ["header:X-User", "anna"],
    ["cookie:Session", "s1"],
    ["query:user", "42"],
    ["query:x", "1"],
    ["query:xuser", "5"],
    ["query:empty", ""],
  ])("takes %s", (spec, key) => {
    expect(compileHashKey(spec)(request)).toBe(hashString(key));
  });

  it.each(["header:x-other", "cookie:session", "query:use", "query:1&user"])(
    "falls back to the client for %s",
    (spec) => {
      expect(compileHashKey(spec)(request)).toBe(hashString("192.0.2.7"));
    },
  );

  it("leaves the question mark out of a uri without query", () => {
    expect(compileHashKey("uri")({ ...request, query: "" })).toBe(hashString("/a/b"));
  });

  it("refuses what hashKeyProblem objects to", () => {
    expect(() => compileHashKey("source")).toThrow(RangeError);
  });
});

describe("hashKeyProblem", () => {
  it("accepts all forms", () => {
    for (const spec of ["client", "host", "path", "uri", "header:x-user", "cookie:a.b", "query:user id"]) {
      expect(hashKeyProblem(spec)).toBeUndefined();
    }
  });

  it.each([
    ["ip", "client, host, path, uri, header:NAME, cookie:NAME or query:NAME"],
    ["client:x", "client, host, path"],
    ["", "client, host, path"],
    ["header", "header:NAME"],
    ["header:", "header:NAME"],
    ["cookie:a b", "name of a cookie"],
    ["header:a:b", "name of a header"],
  ])("says what is wrong with %j", (spec, text) => {
    expect(hashKeyProblem(spec)).toContain(text);
  });
});
