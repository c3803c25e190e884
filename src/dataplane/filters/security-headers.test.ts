import { describe, expect, it } from "vitest";
import { fakeExchange, filterDeps, normaliseSettings, type ExchangeFields } from "./filter.contract.ts";
import { findFilter } from "./registry.ts";

const definition = findFilter("securityHeaders")!;

function run(settings: unknown, fields: ExchangeFields) {
  const filter = definition.create(normaliseSettings(definition, settings), filterDeps);
  const { response, ...exchange } = fakeExchange(fields);
  filter.onResponseHead!({ ...exchange, response });
  return Object.fromEntries(response.fields);
}

describe("securityHeaders", () => {
  it("adds careful fields and hides the software", () => {
    expect(
      run(
        {},
        {
          response: [
            ["server", "Apache/2.4"],
            ["x-powered-by", "PHP"],
            ["content-type", "text/html"],
          ],
        },
      ),
    ).toEqual({
      "content-type": "text/html",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "strict-origin-when-cross-origin",
    });
  });

  it("leaves what the server sent, unless told otherwise", () => {
    const fields = { response: [["x-frame-options", "SAMEORIGIN"]] as const };
    expect(run({}, fields)["x-frame-options"]).toBe("SAMEORIGIN");
    expect(run({ override: true }, fields)["x-frame-options"]).toBe("DENY");
  });

  it("sends HSTS over TLS only", () => {
    expect(run({}, {})).not.toHaveProperty("strict-transport-security");
    expect(run({}, { secure: true })["strict-transport-security"]).toBe("max-age=15552000");
    const preload = { hstsMaxAge: 31_536_000, hstsIncludeSubDomains: true, hstsPreload: true };
    expect(run(preload, { secure: true })["strict-transport-security"]).toBe(
      "max-age=31536000; includeSubDomains; preload",
    );
    expect(run({ hstsMaxAge: 0 }, { secure: true })).not.toHaveProperty("strict-transport-security");
  });

  it("sends nothing that is turned off", () => {
    expect(
      run(
        { contentTypeOptions: false, frameOptions: "", referrerPolicy: "", hide: [] },
        { response: [["server", "x"]] },
      ),
    ).toEqual({
      server: "x",
    });
  });

  it("refuses to promise preloading that browsers would not take", () => {
    expect(() => run({ hstsPreload: true }, {})).toThrow("hstsPreload needs");
  });
});
