import { describe, expect, it } from "vitest";
import { compileRespond } from "./respond.ts";

describe("fixed answers", () => {
  it("are text unless they say otherwise", () => {
    expect(compileRespond({ status: 200, headers: {}, body: "hello" })).toEqual({
      status: 200,
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: "hello",
    });
    const json = compileRespond({ status: 200, headers: { "Content-Type": "application/json" }, body: "{}" });
    expect(json.headers).toEqual({ "content-type": "application/json" });
    expect(compileRespond({ status: 204, headers: { "X-A": "1" }, body: "" })).toEqual({
      status: 204,
      headers: { "x-a": "1" },
      body: "",
    });
  });

  it.each([
    [{ status: 204, headers: {}, body: "x" }, "no body"],
    [{ status: 200, headers: { "Content-Length": "3" }, body: "x" }, "itself"],
    [{ status: 200, headers: { "a b": "3" }, body: "x" }, "field name"],
    [{ status: 200, headers: { a: "3\r\nb: c" }, body: "x" }, "not allowed"],
  ])("refuses %j", (input, text) => {
    expect(() => compileRespond(input)).toThrow(text);
  });
});
