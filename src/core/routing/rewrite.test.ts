import { describe, expect, it } from "vitest";
import { normalisePath } from "../../http1/path.ts";
import { compileRewrite, type RewriteInput } from "./rewrite.ts";

const rewrite = (input: RewriteInput, path: string) => compileRewrite(input, normalisePath).path(path);

describe("rewrite", () => {
  it.each<[RewriteInput, string, string | null]>([
    [{}, "/a", "/a"],
    [{ stripPrefix: "/v1" }, "/v1/users", "/users"],
    [{ stripPrefix: "/v1/" }, "/v1/users/", "/users/"],
    [{ stripPrefix: "/v1" }, "/v1", "/"],
    [{ stripPrefix: "/v1" }, "/v1/", "/"],
    [{ stripPrefix: "/v1" }, "/v10/users", "/v10/users"],
    [{ stripPrefix: "/" }, "/v1", "/v1"],
    [{ addPrefix: "/app" }, "/x", "/app/x"],
    [{ addPrefix: "/app/" }, "/", "/app/"],
    [{ addPrefix: "/ä" }, "/x", "/%C3%A4/x"],
    [{ stripPrefix: "/a", addPrefix: "/b" }, "/a/x", "/b/x"],
    [{ path: "/index.html" }, "/a/b", "/index.html"],
    [{ regex: "^/user/(\\d+)$", to: "/u/$1" }, "/user/7", "/u/7"],
    [{ regex: "^/user/(\\d+)$", to: "/u/$1" }, "/user/x", "/user/x"],
    [{ regex: "^/(?<a>\\w+)/", to: "$<a>/" }, "/x/y", "/x/y"],
    [{ regex: "^/.*$", to: "" }, "/x/y", "/"],
    [{ stripPrefix: "/v1", regex: "^/a", to: "/b", addPrefix: "/v2" }, "/v1/a", "/v2/b"],
    [{ regex: "a", to: "/" }, "/xa/y", "/x/y"],
    [{ stripPrefix: "/a", addPrefix: "/b" }, "*", "*"],
    [{ path: "/b" }, "*", "*"],
    [{ regex: "^.*$", to: "/b" }, "*", "*"],
    // What an expression puts together is checked like what a client sends, and cannot leave the added prefix.
    [{ regex: "x", to: "." }, "/a/.x/b", "/b"],
    [{ regex: "x", to: ".", addPrefix: "/jail" }, "/.x/b", null],
    [{ regex: "x", to: "e" }, "/%2x%2E", null],
    [{ regex: "x", to: " " }, "/ax", null],
  ])("%j of %s is %s", (input, path, expected) => {
    expect(rewrite(input, path)).toBe(expected);
  });

  it("passes the host on", () => {
    expect(compileRewrite({ host: "internal.test" }, normalisePath).host).toBe("internal.test");
    expect(compileRewrite({}, normalisePath).host).toBeUndefined();
  });

  it.each<[RewriteInput, string]>([
    [{ regex: "(", to: "" }, "rewrite.regex"],
    [{ regex: "a" }, "together"],
    [{ to: "a" }, "together"],
    [{ path: "x" }, "must start with /"],
    [{ path: "/a", addPrefix: "/b" }, "addPrefix can do nothing"],
    [{ path: "/a?b" }, "without query"],
    [{ regex: "a", to: "/?b" }, "without query"],
    [{ addPrefix: "/a/../b" }, "dot segment"],
    [{ addPrefix: "//a" }, "empty or dot segment"],
  ])("refuses %j", (input, text) => {
    expect(() => compileRewrite(input, normalisePath)).toThrow(text);
  });
});
