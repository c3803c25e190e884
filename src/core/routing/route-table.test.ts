import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CompiledRoute } from "./compiled-route.ts";
import type { MatchInput, RouteRequest } from "./route-match.ts";
import { compileRoutes } from "./route-table.ts";

interface Fields {
  method?: string;
  host?: string;
  path?: string;
  query?: string;
  headers?: Record<string, string>;
  cookies?: Record<string, string>;
  client?: string;
  sni?: string;
}

function request(fields: Fields): RouteRequest {
  return {
    method: fields.method ?? "GET",
    host: fields.host ?? "example.com",
    path: fields.path ?? "/",
    query: fields.query ?? "",
    get: (name) => fields.headers?.[name],
    cookie: (name) => fields.cookies?.[name],
    clientAddress: () => fields.client ?? "192.0.2.1",
    ...("sni" in fields ? { sni: fields.sni } : {}),
  };
}

const pick = (...values: string[]) => fc.constantFrom(...values);

const matches = (match: MatchInput, fields: Fields) => compileRoutes([{ match }]).match(request(fields)) === 0;

describe("route conditions", () => {
  it.each<[string, MatchInput, Fields, boolean]>([
    ["no condition", {}, {}, true],
    ["empty lists", { host: [], path: [], methods: [], client: [] }, {}, true],
    ["exact host", { host: ["example.com"] }, {}, true],
    ["host in capitals", { host: ["EXAMPLE.com"] }, {}, true],
    ["other host", { host: ["example.com"] }, { host: "www.example.com" }, false],
    ["host below", { host: ["*.example.com"] }, { host: "a.example.com" }, true],
    ["host far below", { host: ["*.example.com"] }, { host: "a.b.example.com" }, true],
    ["not the name itself", { host: ["*.example.com"] }, { host: "example.com" }, false],
    ["not another name with that end", { host: ["*.example.com"] }, { host: "badexample.com" }, false],
    ["host with any end", { host: ["example.*"] }, { host: "example.co.uk" }, true],
    ["not a longer label", { host: ["example.*"] }, { host: "examples.com" }, false],
    ["any host", { host: ["*"] }, { host: "" }, true],
    ["no host", { host: ["example.com"] }, { host: "" }, false],
    ["IPv6 literal", { host: ["[2001:db8::1]"] }, { host: "[2001:db8::1]" }, true],
    ["one of several hosts", { host: ["a.test", "*.b.test", "example.com"] }, {}, true],
    ["name of the handshake", { sni: ["example.com"] }, { sni: "example.com" }, true],
    ["name below", { sni: ["*.Example.com"] }, { sni: "a.b.example.com" }, true],
    ["other name", { sni: ["example.com"] }, { sni: "www.example.com" }, false],
    ["name without a handshake", { sni: ["example.com"] }, {}, false],
    ["the host is not the name", { sni: ["example.com"] }, { host: "example.com", sni: "" }, false],
    ["name and host", { sni: ["a.test"], host: ["example.com"] }, { sni: "a.test" }, true],
    ["any name, none as well", { sni: ["*"] }, {}, true],
    ["exact path", { path: ["/a"] }, { path: "/a" }, true],
    ["exact path is not below", { path: ["/a"] }, { path: "/a/" }, false],
    ["paths are case-sensitive", { path: ["/a"] }, { path: "/A" }, false],
    ["prefix itself", { path: ["/v1/*"] }, { path: "/v1" }, true],
    ["prefix with slash", { path: ["/v1/*"] }, { path: "/v1/" }, true],
    ["below the prefix", { path: ["/v1/*"] }, { path: "/v1/a/b" }, true],
    ["not a longer segment", { path: ["/v1/*"] }, { path: "/v10" }, false],
    ["all paths", { path: ["/*"] }, { path: "/" }, true],
    ["all paths, deep", { path: ["/**"] }, { path: "/a/b" }, true],
    ["OPTIONS * is no path", { path: ["/*"] }, { path: "*", method: "OPTIONS" }, false],
    ["glob within a segment", { path: ["/img/*.png"] }, { path: "/img/a.png" }, true],
    ["glob does not cross", { path: ["/img/*.png"] }, { path: "/img/a/b.png" }, false],
    ["double star crosses", { path: ["/img/**.png"] }, { path: "/img/a/b.png" }, true],
    ["segment star", { path: ["/users/*/posts"] }, { path: "/users/7/posts" }, true],
    ["segment star needs something", { path: ["/users/*/posts"] }, { path: "/users//posts" }, false],
    ["segments star, none", { path: ["/a/**/b"] }, { path: "/a/b" }, true],
    ["segments star, two", { path: ["/a/**/b"] }, { path: "/a/x/y/b" }, true],
    ["glob and below", { path: ["/users/*/files/*"] }, { path: "/users/7/files/a/b" }, true],
    ["glob and below, itself", { path: ["/users/*/files/*"] }, { path: "/users/7/files" }, true],
    ["literal characters as normalised", { path: ["/ä/%7eb/*"] }, { path: "/%C3%A4/~b/c" }, true],
    ["regular expression", { path: ["~^/user/\\d+$"] }, { path: "/user/42" }, true],
    ["regular expressions are not anchored", { path: ["~admin"] }, { path: "/x/admin/y" }, true],
    ["method", { methods: ["POST", "PUT"] }, { method: "PUT" }, true],
    ["method in small letters", { methods: ["get"] }, {}, true],
    ["other method", { methods: ["POST"] }, {}, false],
    ["header equal", { headers: { "X-Beta": "true" } }, { headers: { "x-beta": "true" } }, true],
    ["header different", { headers: { "x-beta": "true" } }, { headers: { "x-beta": "True" } }, false],
    ["header absent", { headers: { "x-beta": "true" } }, {}, false],
    ["header present", { headers: { "x-beta": "*" } }, { headers: { "x-beta": "" } }, true],
    ["header not present", { headers: { "x-beta": "*" } }, {}, false],
    [
      "header expression",
      { headers: { "user-agent": "~(?:curl|wget)/" } },
      { headers: { "user-agent": "curl/8" } },
      true,
    ],
    ["header not equal", { headers: { a: "!1" } }, { headers: { a: "2" } }, true],
    ["header equal after all", { headers: { a: "!1" } }, { headers: { a: "1" } }, false],
    ["not equal when absent", { headers: { a: "!1" } }, {}, true],
    ["header must be absent", { headers: { a: "!" } }, {}, true],
    ["header must be absent, is not", { headers: { a: "!" } }, { headers: { a: "" } }, false],
    ["header must not match", { headers: { a: "!~^x" } }, { headers: { a: "xy" } }, false],
    ["cookie", { cookies: { canary: "v2" } }, { cookies: { canary: "v2" } }, true],
    ["cookie names keep their case", { cookies: { Canary: "v2" } }, { cookies: { canary: "v2" } }, false],
    ["query", { query: { q: "a b" } }, { query: "?x=1&q=a%20b" }, true],
    ["query with a plus", { query: { q: "a b" } }, { query: "?q=a+b" }, true],
    ["query without value", { query: { debug: "" } }, { query: "?debug" }, true],
    ["query name is whole", { query: { q: "1" } }, { query: "?qq=1" }, false],
    ["query name with an escape", { query: { q: "1" } }, { query: "?%71=1" }, true],
    ["broken escape stays", { query: { q: "%zz" } }, { query: "?q=%zz" }, true],
    ["first of two", { query: { q: "1" } }, { query: "?q=2&q=1" }, false],
    ["client", { client: ["10.0.0.0/8", "192.0.2.1"] }, {}, true],
    ["other client", { client: ["10.0.0.0/8"] }, {}, false],
    ["all must hold", { host: ["example.com"], methods: ["POST"] }, {}, false],
  ])("%s", (_name, match, fields, expected) => {
    expect(matches(match, fields)).toBe(expected);
  });

  it.each<[MatchInput, string]>([
    [{ path: ["~("] }, 'path "~("'],
    [{ path: ["api"] }, "must start with /"],
    [{ path: ["/a?b=c"] }, "match.query"],
    [{ host: ["example.com:80"] }, "without port"],
    [{ host: ["a.*.b"] }, "must be a name"],
    [{ headers: { a: "~[" } }, "header a"],
    [{ client: ["10.0.0.0/33"] }, "0 to 32"],
  ])("refuses %j with a clear text", (match, text) => {
    expect(() => compileRoutes([{}, { match }])).toThrow(text);
    expect(() => compileRoutes([{}, { match }])).toThrow("route 1: ");
  });
});

describe("route tables", () => {
  it("has no route for anything when it is empty", () => {
    expect(compileRoutes([]).match(request({}))).toBe(-1);
  });

  it.each([1, 3, 4, 5, 40])("takes the first of %i that match", (count) => {
    const routes = Array.from({ length: count }, (_, index) => ({ match: { path: [`/${index}/*`] } }));
    const table = compileRoutes([...routes, { match: { methods: ["POST"] } }, {}, { match: { path: ["/last"] } }]);
    for (let index = 0; index < count; index++) expect(table.match(request({ path: `/${index}/x` }))).toBe(index);
    expect(table.match(request({ method: "POST" }))).toBe(count);
    expect(table.match(request({ path: "/last" }))).toBe(count + 1);
    expect(compileRoutes(routes).match(request({ path: "/none" }))).toBe(-1);
  });

  it("explains names of the handshake", () => {
    const table = compileRoutes([{ match: { sni: ["a.test", "*.b.test"] } }]);
    expect(table.explain(request({}))[0]?.reasons).toEqual(["sni (none) ≠ a.test, *.b.test"]);
    expect(table.explain(request({ sni: "c.test" }))[0]?.reasons).toEqual(["sni c.test ≠ a.test, *.b.test"]);
    expect(table.explain(request({ sni: "a.test" }))[0]?.taken).toBe(true);
  });

  it("explains every route", () => {
    const table = compileRoutes([
      { match: { host: ["api.example.com"], methods: ["GET"] } },
      { match: { headers: { "x-beta": "true" }, client: ["10.0.0.0/8"] } },
      {},
      { match: { path: ["/*"] } },
    ]);
    expect(table.explain(request({ host: "www.example.com", headers: { "x-beta": "no" } }))).toEqual([
      { index: 0, taken: false, reasons: ["host www.example.com ≠ api.example.com"] },
      {
        index: 1,
        taken: false,
        reasons: ['header x-beta: "no", wanted "true"', "client 192.0.2.1 is not in 10.0.0.0/8"],
      },
      { index: 2, taken: true, reasons: [] },
      { index: 3, taken: false, reasons: ["route 2 matches and comes first"] },
    ]);
  });

  it("gives the same answer as trying one route after the other", () => {
    const hostPattern = pick("a.test", "b.a.test", "*.a.test", "*.test", "*.b.a.test", "a.*", "b.a.*", "*", "x.test");
    const segment = pick("a", "b", "ab", "*", "**", "a*", "", "*b");
    const pathPattern = fc.oneof(
      fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join("/")}`),
      pick("~^/a", "~b$", "/*", "/a/*", "/a/b/*"),
    );
    const match = fc.record(
      {
        host: fc.array(hostPattern, { maxLength: 3 }),
        path: fc.array(pathPattern, { maxLength: 3 }),
        methods: fc.subarray(["GET", "POST"]),
        headers: fc.dictionary(pick("h", "k"), pick("1", "!1", "*", "!"), { maxKeys: 1 }),
      },
      { requiredKeys: [] },
    );
    const fields = fc.record({
      method: pick("GET", "POST"),
      host: pick("a.test", "b.a.test", "c.b.a.test", "x.test", "a.example", "test", "", ".a.test", "a..test"),
      path: fc.array(pick("a", "b", "ab", "aab", ""), { maxLength: 5 }).map((segments) => `/${segments.join("/")}`),
      headers: fc.dictionary(pick("h", "k"), pick("1", "2"), { maxKeys: 2 }),
    });
    fc.assert(
      fc.property(
        fc.array(match, { maxLength: 30 }),
        fc.array(fields, { minLength: 5, maxLength: 20 }),
        (list, requests) => {
          const routes = list.map((one) => ({ match: one }));
          const table = compileRoutes(routes);
          const naive = routes.map((route) => new CompiledRoute(route));
          for (const one of requests) {
            const subject = request(one);
            const expected = naive.findIndex((route) => route.matches(subject));
            expect(table.match(subject)).toBe(expected);
            expect(table.explain(subject).findIndex((route) => route.taken)).toBe(expected);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
