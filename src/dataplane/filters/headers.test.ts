import { describe, expect, it } from "vitest";
import { fakeExchange, filterDeps, normaliseSettings, type ExchangeFields } from "./filter.contract.ts";
import { headers } from "./headers.ts";
import { findFilter } from "./registry.ts";

const definition = findFilter("headers")!;
const create = (settings: unknown) => definition.create(normaliseSettings(definition, settings), filterDeps);

function run(settings: unknown, fields: ExchangeFields) {
  const filter = create(settings);
  const exchange = fakeExchange(fields);
  expect(filter.onRequestHead?.(exchange)).toBeUndefined();
  filter.onResponseHead?.(exchange);
  return exchange;
}

describe("headers", () => {
  it("is the registered one", () => {
    expect(definition).toBe(headers);
  });

  it("removes, then sets, then adds", () => {
    const settings = { request: { remove: ["X-A"], set: { "X-B": "new" }, add: { "X-B": "more", "x-a": "again" } } };
    const { request } = run(settings, {
      request: [
        ["x-a", "1"],
        ["x-b", "old"],
        ["x-b", "older"],
      ],
    });
    expect(request.all("x-a")).toEqual(["again"]);
    expect(request.all("x-b")).toEqual(["new", "more"]);
  });

  it("changes answers, too", () => {
    const { response } = run(
      { response: { remove: "Server", set: { "cache-control": "no-store" } } },
      { response: [["server", "x"]] },
    );
    expect(response.fields).toEqual([["cache-control", "no-store"]]);
  });

  it("fills in variables", () => {
    const value = "%{client} %{method} %{scheme}://%{host}%{path} %{id} %{listener}/%{route} [%{server}] 100%";
    const { request, response } = run(
      { request: { set: { "x-who": value } }, response: { set: { "x-server": "%{server}" } } },
      { path: "/p", secure: true, server: "s1" },
    );
    expect(request.header("x-who")).toBe("192.0.2.1 GET https://example.com/p id-1 web/main [s1] 100%");
    expect(response.header("x-server")).toBe("s1");
    expect(run({ request: { set: { "x-server": "%{server}" } } }, {}).request.header("x-server")).toBe("");
  });

  it("has only the phases that it needs", () => {
    expect(Object.keys(create({ request: { set: { a: "b" } } }))).toEqual(["onRequestHead"]);
    expect(Object.keys(create({ response: { set: { a: "b" } } }))).toEqual(["onResponseHead"]);
    expect(Object.keys(create({}))).toEqual([]);
  });

  it.each([
    [{ request: { set: { "x-a": "%{nobody}" } } }, "%{nobody} is not a variable"],
    [{ request: { set: { Host: "a" } } }, "rewrite.host"],
    [{ request: { remove: ["Content-Length"] } }, "written by the proxy itself"],
    [{ response: { add: { "transfer-encoding": "chunked" } } }, "written by the proxy itself"],
    [{ response: { add: { "a b": "c" } } }, "not a field name"],
    [{ response: { set: { a: "b\r\nc: d" } } }, "control characters"],
  ])("refuses %j", (settings, text) => {
    expect(() => create(settings)).toThrow(text);
  });
});
