import { describe, expect, it } from "vitest";
import { fakeExchange, filterDeps, normaliseSettings } from "./filter.contract.ts";
import { findFilter } from "./registry.ts";

const definition = findFilter("cors")!;
const create = (settings: unknown) => definition.create(normaliseSettings(definition, settings), filterDeps);

function preflight(settings: unknown, origin: string) {
  const request = [
    ["origin", origin],
    ["access-control-request-method", "PUT"],
  ] as const;
  const exchange = fakeExchange({ method: "OPTIONS", request });
  const answer = create(settings).onRequestHead!(exchange);
  if (answer === undefined || answer instanceof Promise) throw new Error("no answer at once");
  return answer;
}

function answerTo(
  settings: unknown,
  origin: string | undefined,
  response: readonly (readonly [string, string])[] = [],
) {
  const exchange = fakeExchange({ request: origin === undefined ? [] : [["origin", origin]], response });
  const filter = create(settings);
  expect(filter.onRequestHead!(exchange)).toBeUndefined();
  filter.onResponseHead!(exchange);
  return exchange.response;
}

const app = "https://app.example.com";

describe("cors", () => {
  it("answers a preflight of a listed origin", () => {
    const settings = {
      allowedOrigins: app,
      allowedMethods: ["PUT"],
      allowedHeaders: ["x-token"],
      allowCredentials: true,
      maxAge: "1h",
    };
    expect(preflight(settings, app)).toEqual({
      status: 204,
      headers: {
        vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        "access-control-allow-origin": app,
        "access-control-allow-methods": "GET, HEAD, POST, PUT",
        "access-control-allow-headers": "x-token",
        "access-control-allow-credentials": "true",
        "access-control-max-age": "3600",
      },
    });
  });

  it.each([
    ["https://evil.test", false],
    ["http://app.example.com", false],
    ["https://app.example.com:8443", false],
    ["https://app.example.com.evil.test", false],
    ["https://xapp.example.com", false],
    ["https://a.wild.example.com", true],
    ["https://a.b.wild.example.com", true],
    ["https://wild.example.com", false],
    ["https://evil.test/.wild.example.com", false],
    ["https://evil.test#.wild.example.com", false],
    ["null", false],
    [app, true],
  ])("gives %s the permission: %s", (origin, allowed) => {
    const settings = { allowedOrigins: [app, "https://*.wild.example.com"] };
    expect(preflight(settings, origin).headers?.["access-control-allow-origin"]).toBe(allowed ? origin : undefined);
    expect(answerTo(settings, origin).header("access-control-allow-origin")).toBe(allowed ? origin : undefined);
  });

  it("keeps caches from mixing up origins", () => {
    expect(answerTo({ allowedOrigins: app }, app, [["vary", "accept"]]).all("vary")).toEqual(["accept", "Origin"]);
    expect(answerTo({ allowedOrigins: app }, undefined).all("vary")).toEqual(["Origin"]);
    expect(answerTo({ allowedOrigins: "*" }, app).all("vary")).toEqual([]);
  });

  it("replaces what the server says", () => {
    const server = [
      ["access-control-allow-origin", "*"],
      ["access-control-allow-credentials", "true"],
    ] as const;
    expect(answerTo({ allowedOrigins: app, exposedHeaders: "x-total" }, app, server).fields).toEqual([
      ["vary", "Origin"],
      ["access-control-allow-origin", app],
      ["access-control-expose-headers", "x-total"],
    ]);
    expect(answerTo({ allowedOrigins: app }, "https://evil.test", server).fields).toEqual([["vary", "Origin"]]);
  });

  it("allows everybody with a star", () => {
    expect(preflight({ allowedOrigins: "*" }, "https://any.test").headers?.["access-control-allow-origin"]).toBe("*");
    expect(answerTo({ allowedOrigins: "*" }, "https://any.test").header("access-control-allow-origin")).toBe("*");
  });

  it("passes other OPTIONS requests on", () => {
    expect(
      create({ allowedOrigins: app }).onRequestHead!(fakeExchange({ method: "OPTIONS", request: [["origin", app]] })),
    ).toBeUndefined();
  });

  it.each([
    [{ allowedOrigins: "*", allowCredentials: true }, "every site"],
    [{ allowedOrigins: "null" }, "not an origin"],
    [{ allowedOrigins: "app.example.com" }, "not an origin"],
    [{ allowedOrigins: "https://app.example.com/" }, "not an origin"],
  ])("refuses %j", (settings, text) => {
    expect(() => create(settings)).toThrow(text);
  });
});
