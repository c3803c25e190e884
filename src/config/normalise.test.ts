import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { algorithms } from "../core/balancing/registry.ts";
import { defineAlgorithm, defineDiscovery, defineFilter, defineProbe } from "../core/extension.ts";
import { roundRobin } from "../core/balancing/round-robin.ts";
import type { ConfigInput } from "./define-config.ts";
import type { Extensions } from "./extensions.ts";
import { duration, stringList } from "./fields.ts";
import { configJsonSchema } from "./json-schema.ts";
import { normaliseValue } from "./normalise-value.ts";
import { normaliseConfig } from "./normalise.ts";
import { ConfigSchema } from "./schema.ts";
import { schemaNode, type SchemaNode } from "./schema-node.ts";

const own = defineAlgorithm({
  ...roundRobin,
  name: "own_algorithm",
  aliases: ["own"],
  usesHashKey: true,
  schema: Type.Object({
    window: duration("10s", "a duration"),
    mode: Type.Union([Type.Literal("fast"), Type.Literal("slow")], { default: "fast" }),
    factor: Type.Number({ default: 1.5, exclusiveMinimum: 0 }),
  }),
});
const stamp = defineFilter({
  name: "stamp",
  summary: "Test filter.",
  schema: Type.Object({
    texts: stringList("texts", { default: [] }),
    set: Type.Optional(Type.Record(Type.String(), Type.String())),
    either: Type.Optional(Type.Union([Type.Boolean(), Type.Array(Type.String())])),
    level: Type.Integer({ minimum: 0 }),
  }),
  create: () => ({}),
});
const ping = defineProbe({
  name: "ping",
  summary: "Test check.",
  schema: Type.Object({
    send: Type.String({ default: "PING" }),
    password: Type.Optional(Type.String({ minLength: 8, "x-secret": true })),
  }),
  run: async () => ({ outcome: "healthy" }),
});
const page = defineProbe({
  name: "page",
  summary: "Test check with a setting that it needs.",
  schema: Type.Object({ path: Type.String({ minLength: 1 }), degradedLatency: duration("1s", "its own default") }),
  run: async () => ({ outcome: "healthy" }),
});
const list = defineDiscovery({
  name: "list",
  summary: "Test source.",
  schema: Type.Object({ refresh: duration("10s", "a duration"), names: stringList("names", { minItems: 1 }) }),
  problem: ({ names }: { names: readonly string[] }) => (names.includes("never") ? "never is no name" : undefined),
  watch: () => ({ close: () => {}, refresh: () => {} }),
});
const extensions: Extensions = {
  algorithms: [...algorithms, own],
  filters: [stamp],
  probes: [ping, page],
  discoveries: [list],
};
const normalise = (input: unknown) => normaliseConfig(input, { extensions });

const full: ConfigInput = {
  workers: 2,
  admin: { listen: "127.0.0.1:9900", token: "0123456789abcdef" },
  modules: "./own.ts",
  drainTimeout: "5s",
  listeners: {
    web: {
      listen: ["127.0.0.1:8080", "unix:/run/web.sock"],
      trustedProxies: "10.0.0.0/8",
      forwarded: true,
      limits: { maxBodySize: "1GiB", headTimeout: 500 },
      routes: [
        {
          name: "api",
          match: {
            host: "*.example.com",
            path: ["/v1/*", "~^/v[0-9]+$"],
            methods: "GET",
            headers: { "x-a": "!" },
            query: { q: "*" },
            client: "::1",
          },
          filters: [{ stamp: { texts: "a", level: 1, either: ["x"] } }],
          rewrite: { stripPrefix: "/v1" },
          split: [
            { pool: "a", weight: 1 },
            { pool: "b", weight: 0 },
          ],
          importance: "critical",
        },
        { match: { path: "/c" }, pool: "c" },
        { match: { path: "/old" }, redirect: { host: "new.example.com" } },
        { match: { path: "/ok" }, respond: { headers: { "x-b": "c" }, body: "ok" } },
      ],
      pool: "a",
    },
  },
  pools: {
    a: {
      algorithm: { name: "own", key: "cookie:c", window: "3s" },
      servers: ["127.0.0.1:9001", { address: "[::1]:1", weight: 2, id: "two" }],
    },
    b: {
      algorithm: "least_connections",
      servers: [{ address: "unix:/run/b.sock", zone: "z" }],
      retries: { bufferLimit: "1MB", budget: "10%", on: ["connect"] },
      healthCheck: [{ type: "page", path: "/x", jitter: 0.5, interval: "1s", timeout: "1s" }, "ping"],
      slowStart: "30s",
      outlierDetection: "off",
      hedging: {},
      discovery: { type: "list", names: "a" },
    },
    c: {
      healthCheck: { type: "ping", password: "hunter2-hunter2", degradedWeight: "20%" },
      slowStart: { window: 500, aggression: 2 },
      circuitBreaker: { failureThreshold: 3 },
      degradation: { full: "60%", answer: { body: "busy" } },
      fallbackPool: "b",
      discovery: { type: "list", names: ["a", "b"], refresh: 5 },
    },
  },
};

function filterMessages(filters: unknown): string {
  const input = { listeners: { a: { listen: "a:1", routes: [{ respond: {}, filters }] } } };
  return normalise(input)
    .problems.map(({ path, message }) => `${path}: ${message}`)
    .join("\n");
}

describe("normalisation", () => {
  it("writes short forms out, with the settings of algorithms and filters", () => {
    const { config, problems } = normalise(full);
    expect(problems).toEqual([]);
    expect(config?.pools.a.algorithm).toEqual({
      name: "own_algorithm",
      key: "cookie:c",
      settings: { window: 3000, mode: "fast", factor: 1.5 },
    });
    expect(config?.listeners.web.routes[0].filters).toEqual([
      { name: "stamp", settings: { texts: ["a"], level: 1, either: ["x"] } },
    ]);
    expect(config?.listeners.web.routes[0].match?.methods).toEqual(["GET"]);
    expect(config?.listeners.web.routes.at(-1)).toEqual({ filters: [], importance: "normal", pool: "a" });
    expect(config?.listeners.web.limits.maxBodySize).toBe(2 ** 30);
  });

  it("puts the settings of health checks and sources of servers apart from what all have", () => {
    const { config } = normalise(full);
    const [first, second] = config!.pools.b.healthCheck;
    expect(first).toMatchObject({ type: "page", jitter: 0.5, interval: 1000, degradedLatency: 1000 });
    expect(first.settings).toEqual({ path: "/x" });
    expect(second).toMatchObject({ type: "ping", interval: 5000, settings: { send: "PING" } });
    expect(config!.pools.a.healthCheck).toEqual([]);
    expect(config!.pools.b.slowStart).toEqual({ window: 30_000, aggression: 1, minimumShare: 0.1 });
    expect(config!.pools.b.outlierDetection).toBe(false);
    expect(config!.pools.c.degradation).toMatchObject({ full: 0.6, answer: { status: 503, body: "busy" } });
    expect(config!.pools.b.discovery).toEqual({ type: "list", settings: { refresh: 10_000, names: ["a"] } });
  });

  it.each([
    [{ healthCheck: "pin" }, 'pools.p.healthCheck: "pin" is not a type of health check; did you mean "ping"?'],
    [{ healthCheck: ["page"] }, 'pools.p.healthCheck[0]: "path" is missing'],
    [{ healthCheck: { type: "page", pat: 1 } }, 'pools.p.healthCheck.pat: unknown key; did you mean "path"?'],
    [{ healthCheck: { path: "/" } }, 'pools.p.healthCheck: "type" is missing (known: ping, '],
    [{ healthCheck: { type: "ping", password: "short" } }, "must have at least 8 characters"],
    [{ discovery: "list" }, 'pools.p.discovery: must be a source of servers with `type`, not "list"'],
    [{ discovery: { type: "lst" } }, '"lst" is not a source of servers; did you mean "list"? (known: list)'],
    [{ discovery: { type: "list", names: "never" } }, "pools.p.discovery: never is no name"],
    [{ discovery: { type: "list", names: "a", settings: 5 } }, "pools.p.discovery.settings: unknown key"],
    [{ slowStart: "soon" }, 'pools.p.slowStart.window: must be a duration such as "250ms"'],
    [{ hedging: "on" }, 'pools.p.hedging: must be an object or off, not "on"'],
  ])("says what is wrong with %j", (pool, message) => {
    const lines = normalise({ pools: { p: pool } }).problems.map((problem) => `${problem.path}: ${problem.message}`);
    expect(lines.join("\n")).toContain(message);
    expect(lines.join("\n")).not.toContain("short");
  });

  it("does not change what is normalised", () => {
    const once = normalise(full).config;
    const twice = normalise(once);
    expect(twice).toEqual({ config: once, problems: [] });
    expect(normalise(normalise({}).config).config).toEqual(normalise({}).config);
  });

  it("leaves its input alone and shares nothing with it", () => {
    const input = structuredClone(full);
    const { config } = normalise(input);
    expect(input).toEqual(full);
    expect(config?.listeners.web.listen).not.toBe(input.listeners?.web?.listen);
  });

  it("refuses two extensions of one name", () => {
    const { config, problems } = normaliseConfig({}, { extensions: { algorithms: [own, own], filters: [] } });
    expect(config).toBeUndefined();
    expect(problems.map(({ message }) => message)).toContain('"own_algorithm" is registered twice');
  });

  it("says what is wrong with the settings of a filter", () => {
    expect(filterMessages(["stamp"])).toContain('filters[0]: "level" is missing');
    expect(filterMessages([{ stamp: { level: 1, either: 3 } }])).toContain(
      "filters[0].stamp.either: must be true or false or a list, not 3",
    );
    expect(filterMessages([{ stamp: { level: 1, set: { a: 1 } } }])).toContain(
      "filters[0].stamp.set.a: must be a text, not 1",
    );
    expect(filterMessages([{ stamp: {}, other: {} }])).toContain("put a dash before each filter");
    expect(filterMessages([{ stmap: {} }])).toContain('did you mean "stamp"?');
    expect(filterMessages([{ rateLimit: {} }])).toContain("not available in this version yet");
  });
});

describe("objects that are no configuration", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.pools = cyclic;
  const throwing = {
    get pools(): unknown {
      throw new Error("no");
    },
  };
  const proxy = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("no");
      },
    },
  );

  it.each<[string, unknown, RegExp]>([
    ["a cycle", cyclic, /nested more than/],
    ["a getter that throws", throwing, /cannot be read/],
    ["a proxy that throws", proxy, /cannot be read/],
    ["a function", { pools: () => 1 }, /a function cannot stand/],
    ["a Map", { pools: new Map() }, /plain object/],
    ["NaN", { workers: Number.NaN }, /finite/],
    ["a key __proto__", JSON.parse('{"pools":{"__proto__":{}}}'), /not allowed/],
    ["a list", [], /must be an object, not a list/],
    ["a text", "x", /must be an object, not "x"/],
  ])("are refused: %s", (_name, input, message) => {
    const { config, problems } = normalise(input);
    expect(config).toBeUndefined();
    expect(problems.map((problem) => problem.message).join("\n")).toMatch(message);
  });

  it("never make it throw", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withNullPrototype: true,
          withSparseArray: true,
          withTypedArray: true,
        }),
        (input) => {
          expect(Array.isArray(normalise(input).problems)).toBe(true);
          expect(Array.isArray(normalise({ pools: input, listeners: { a: input } }).problems)).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

/** Copies of a configuration in which one place holds something else, lacks a key or has one more. */
const mutated = fc
  .array(
    fc.tuple(
      fc.nat(),
      fc.constantFrom("replace", "remove", "add"),
      fc.constantFrom<unknown>(
        0,
        1,
        -1,
        1.5,
        70_000,
        1e12,
        true,
        false,
        "",
        "a",
        "5s",
        "5 s",
        "64KiB",
        "auto",
        "off",
        "http",
        "tcp",
        "~x",
        "client",
        "own",
        "stamp",
        [],
        ["a"],
        [1],
        [[]],
        {},
        { a: "b" },
        { a: 1 },
        { name: "own" },
        { name: "own", factor: 0 },
        { name: "x" },
        { address: "a:1" },
        { stamp: { level: 1 } },
        { pool: "a", weight: 1 },
        "ping",
        "20%",
        "101%",
        { type: "ping" },
        { type: "ping", interval: 0 },
        { type: "page" },
        [{ type: "page", path: "/" }],
        ["ping", "page"],
        { type: "list", names: [] },
        { type: "list", names: "x", refresh: "1m" },
        { window: "1s" },
      ),
    ),
    { minLength: 0, maxLength: 3 },
  )
  .map((steps) => {
    const config = structuredClone(full) as Record<string, unknown>;
    for (const [at, action, value] of steps) {
      const places: [Record<string, unknown>, string][] = [];
      const walk = (node: unknown) => {
        if (typeof node !== "object" || node === null) return;
        for (const key of Object.keys(node)) {
          places.push([node as Record<string, unknown>, key]);
          walk((node as Record<string, unknown>)[key]);
        }
      };
      walk(config);
      const [parent, key] = places[at % places.length];
      if (action === "replace") parent[key] = structuredClone(value);
      else if (action === "add" && !Array.isArray(parent)) parent[`${key}X`] = structuredClone(value);
      else if (!Array.isArray(parent)) delete parent[key];
    }
    return config;
  });

describe("against the JSON Schema", () => {
  const validate = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, strictTypes: false }).compile(
    configJsonSchema(extensions),
  );

  it("takes the example", () => {
    expect(validate(full), JSON.stringify(validate.errors)).toBe(true);
  });

  it("normalisation and ajv agree on the structure of every configuration", () => {
    const structure = withoutTextChecks(schemaNode(ConfigSchema));
    let valid = 0;
    fc.assert(
      fc.property(mutated, (input) => {
        const errors: string[] = [];
        const visit = {
          extensions,
          isReplaced: () => false,
          warn: () => {},
          error: (path: readonly (string | number)[], message: string) =>
            void errors.push(`${path.join(".")}: ${message}`),
        };
        normaliseValue(structure, structuredClone(input), [], visit);
        const isValid = validate(input);
        if (isValid) valid++;
        expect(
          errors.length === 0,
          `${errors.join("\n")}\najv: ${JSON.stringify(validate.errors?.slice(0, 5))}\n${JSON.stringify(input)}`,
        ).toBe(isValid);
      }),
      { numRuns: 3000 },
    );
    expect(valid).toBeGreaterThan(100);
  });

  it("what normalises once normalises again to the same", () => {
    let valid = 0;
    fc.assert(
      fc.property(mutated, (input) => {
        const { config } = normalise(input);
        if (config === undefined) return;
        valid++;
        expect(normalise(config).config).toEqual(config);
      }),
      { numRuns: 1000 },
    );
    expect(valid).toBeGreaterThan(50);
  });
});

/** JSON Schema cannot say these rules. */
function withoutTextChecks(schema: SchemaNode): SchemaNode {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === "x-check" || key === "x-key-check" ? undefined : value,
  ) as SchemaNode;
}
