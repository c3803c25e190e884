import { describe, expect, it } from "vitest";
import { algorithms } from "../core/balancing/registry.ts";
import type { ConfigInput } from "./define-config.ts";
import { diffConfig } from "./diff.ts";
import { normaliseConfig } from "./normalise.ts";
import type { Config } from "./schema.ts";

const base = {
  listeners: { web: { listen: "127.0.0.1:80", routes: [{ match: { path: "/a" }, respond: {} }], pool: "web" } },
  pools: { web: { servers: ["127.0.0.1:1", "127.0.0.1:2"] } },
} satisfies ConfigInput;

function config(input: ConfigInput): Config {
  const result = normaliseConfig(input, { extensions: { algorithms, filters: [] } });
  expect(result.problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return result.config as Config;
}

const lines = (after: ConfigInput, before: ConfigInput = base) =>
  diffConfig(config(before), config(after)).map(({ text }) => text);
const web = (pool: object): ConfigInput => ({ ...base, pools: { web: { ...base.pools.web, ...pool } } });

describe("differences", () => {
  it("are none between equal configurations", () => {
    expect(lines(structuredClone(base))).toEqual([]);
  });

  it.each<[string, ConfigInput, string[]]>([
    [
      "server added",
      web({ servers: [...base.pools.web.servers, "127.0.0.1:3"] }),
      ["pools.web.servers: + 127.0.0.1:3"],
    ],
    ["server removed", web({ servers: ["127.0.0.1:2"] }), ["pools.web.servers: - 127.0.0.1:1"]],
    [
      "servers in another order",
      web({ servers: ["127.0.0.1:2", "127.0.0.1:1"] }),
      ["pools.web.servers: another order"],
    ],
    [
      "weight",
      web({ servers: [{ address: "127.0.0.1:1", weight: 5 }, "127.0.0.1:2"] }),
      ['pools.web.servers["127.0.0.1:1"].weight: 1 → 5'],
    ],
    ["algorithm", web({ algorithm: "random" }), ["pools.web.algorithm.name: weighted_round_robin → random"]],
    ["pool", { ...base, pools: { ...base.pools, b: { servers: [] } } }, ["pools: + b"]],
    [
      "address",
      { ...base, listeners: { web: { ...base.listeners.web, listen: "127.0.0.1:81" } } },
      ["listeners.web.listen: + 127.0.0.1:81", "listeners.web.listen: - 127.0.0.1:80"],
    ],
    ["admin", { ...base, admin: false }, ["admin: on → off"]],
  ])("%s", (_name, after, expected) => {
    expect(lines(after)).toEqual(expected);
  });

  it("never show a token", () => {
    const secret = "hunter2-hunter2-hunter2";
    const withToken: ConfigInput = { ...base, admin: { token: secret } };
    for (const [before, after] of [
      [base, withToken],
      [withToken, base],
      [withToken, { ...base, admin: { token: `${secret}x` } }],
      [withToken, { ...base, admin: false as const }],
    ]) {
      const text = lines(after as ConfigInput, before as ConfigInput).join("\n");
      expect(text).not.toBe("");
      expect(text).not.toContain("hunter2");
    }
  });

  it("never show settings that are named like secrets", () => {
    const one = config(base);
    const other = structuredClone(one) as { listeners: Record<string, { routes: { filters: unknown[] }[] }> };
    other.listeners.web.routes[0].filters.push({ name: "x", settings: { password: "hunter2", level: 1 } });
    const text = diffConfig(one, other as unknown as Config)
      .map((change) => change.text)
      .join("\n");
    expect(text).toContain('"level":1');
    expect(text).not.toContain("hunter2");
  });

  it("never show the secrets of health checks and of sources of servers", () => {
    const one = config(base);
    const check = { type: "redis", settings: { password: "hunter2", headers: { Cookie: "hunter2" } } };
    const discovery = { type: "own", settings: { apiKey: "hunter2", name: "web" } };
    const withPool = (pool: object) => ({ ...one, pools: { web: { ...one.pools.web, ...pool } } }) as unknown as Config;
    const later = { ...check, settings: { password: "hunter22", headers: { Cookie: "hunter23" } } };
    const text = [
      ...diffConfig(one, withPool({ healthCheck: [check], discovery })),
      ...diffConfig(withPool({ healthCheck: [check] }), withPool({ healthCheck: [later] })),
    ].map((change) => change.text);
    expect(text).toContain("pools.web.healthCheck[0].settings.password: (secret) → (secret)");
    expect(text.join("\n")).toContain('"name":"web"');
    expect(text.join("\n")).not.toContain("hunter2");
  });
});
