import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { algorithms } from "../core/balancing/registry.ts";
import { defineProbe } from "../core/extension.ts";
import type { ConfigInput } from "./define-config.ts";
import { diffConfig } from "./diff.ts";
import { duration, strict } from "./fields.ts";
import { normaliseConfig } from "./normalise.ts";
import type { HealthCheckConfig } from "./pool-parts-schema.ts";

const run = async () => ({ outcome: "healthy" }) as const;

/** A check with settings of every kind that matter here. */
const knock = defineProbe<{ least: number; most: number }>({
  name: "knock",
  summary: "For tests.",
  schema: Type.Object(
    {
      least: Type.Integer({ default: 1, minimum: 1, description: "at least" }),
      most: Type.Integer({ default: 5, minimum: 1, description: "at most" }),
      pause: duration("2s", "between"),
      word: Type.Optional(Type.String({ "x-check": "regex", description: "pattern" })),
      password: Type.Optional(Type.String({ "x-secret": true, minLength: 4, description: "password" })),
      headers: Type.Unsafe<Record<string, string>>({
        type: "object",
        additionalProperties: { type: "string" },
        default: {},
        description: "fields",
      }),
    },
    strict,
  ),
  problem({ least, most }) {
    if (least === 666) throw new Error("no");
    return least > most ? "`least` is above `most`" : undefined;
  },
  run,
});
/** One that cannot be had without a setting. */
const ring = defineProbe({
  name: "ring",
  summary: "For tests.",
  schema: Type.Object({ bell: Type.String() }, strict),
  run,
});

function normalise(healthCheck: unknown) {
  const input = {
    listeners: { web: { listen: "127.0.0.1:80", pool: "web" } },
    pools: { web: { servers: ["127.0.0.1:1"], healthCheck } },
  } as ConfigInput;
  const extensions = { algorithms, filters: [], probes: [knock, ring] };
  const { config, problems } = normaliseConfig(input, { extensions });
  return {
    config,
    checks: config?.pools.web?.healthCheck,
    problems: problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`),
  };
}

const KNOCK_DEFAULTS = { least: 1, most: 5, pause: 2000, headers: {} };

function only(healthCheck: unknown): HealthCheckConfig {
  const { checks, problems } = normalise(healthCheck);
  expect(problems).toEqual([]);
  expect(checks).toHaveLength(1);
  return checks![0]!;
}

describe("a health check", () => {
  it("is nothing when it is absent or off", () => {
    for (const value of [undefined, "off", false, []])
      expect(normalise(value)).toMatchObject({ checks: [], problems: [] });
  });

  it("may be a name alone, and then has all defaults", () => {
    expect(only("knock")).toEqual({
      type: "knock",
      interval: 5000,
      unhealthyInterval: 2000,
      degradedInterval: 5000,
      unknownInterval: 500,
      jitter: 0.1,
      timeout: 2000,
      unhealthyThreshold: 3,
      healthyThreshold: 2,
      degradedLatency: 0,
      degradedWeight: 0.5,
      settings: KNOCK_DEFAULTS,
    });
  });

  it("keeps what every check has apart from what its type has", () => {
    const check = only({
      type: "knock",
      interval: "1m",
      timeout: "250ms",
      port: 81,
      least: 2,
      pause: "1h",
      word: "a+",
    });
    expect(check).toMatchObject({ interval: 60_000, timeout: 250, port: 81 });
    expect(check.settings).toEqual({ ...KNOCK_DEFAULTS, least: 2, pause: 3_600_000, word: "a+" });
    expect(check).not.toHaveProperty("least");
  });

  it("may be several", () => {
    const { checks, problems } = normalise(["knock", { type: "ring", bell: "b", interval: "10s" }]);
    expect(problems).toEqual([]);
    expect(checks!.map(({ type, interval, settings }) => [type, interval, settings])).toEqual([
      ["knock", 5000, KNOCK_DEFAULTS],
      ["ring", 10_000, { bell: "b" }],
    ]);
  });

  it.each<[unknown]>([
    ["knock"],
    [{ type: "knock", least: 3, headers: { a: "b" }, password: "secret" }],
    [["knock", { type: "ring", bell: "b", address: "127.0.0.1:9" }]],
    [{ type: "knock", settings: { least: 2 }, most: 3 }],
    [{ type: "knock", settings: null }],
    ["off"],
  ])("means the same in its normalised form: %j", (given) => {
    const { checks, problems } = normalise(given);
    expect(problems).toEqual([]);
    expect(normalise(structuredClone(checks))).toMatchObject({ checks, problems: [] });
    expect(normalise(JSON.parse(JSON.stringify(checks))).checks).toEqual(checks);
  });
});

describe("problems of a health check", () => {
  const here = "pools.web.healthCheck";

  it.each<[unknown, string]>([
    ["knok", `error ${here}: "knok" is not a type of health check; did you mean "knock"? (known: knock, ring)`],
    [{ type: "knok" }, `error ${here}.type: "knok" is not a type of health check; did you mean "knock"?`],
    ["zebra", `error ${here}: "zebra" is not a type of health check (known: knock, ring)`],
    [{ type: "Knock" }, `error ${here}.type: "Knock" is not a type of health check; did you mean "knock"?`],
    [{ least: 1 }, `error ${here}: "type" is missing`],
    [{ type: 7 }, `error ${here}: must be a health check with \`type\``],
    [7, `error ${here}: must be a health check with \`type\`, not 7`],
    [["knock", null], `error ${here}[1]: must be a health check with \`type\``],
    [{ type: "knock", leest: 1 }, `error ${here}.leest: unknown key; did you mean "least"?`],
    [{ type: "knock", intervall: "1s" }, `error ${here}.intervall: unknown key; did you mean "interval"?`],
    [{ type: "knock", bell: "b" }, `error ${here}.bell: unknown key; allowed are interval, `],
    [["knock", { type: "knock", least: 0 }], `error ${here}[1].least: must be an integer of at least 1, not 0`],
    [{ type: "knock", interval: 0 }, `error ${here}.interval: must be`],
    [{ type: "knock", port: 70_000 }, `error ${here}.port: must be an integer from 1 to 65535`],
    [{ type: "knock", address: "nowhere" }, `error ${here}.address: "nowhere"`],
    [{ type: "knock", word: "(" }, `error ${here}.word: "(": not a regular expression`],
    ["ring", `error ${here}: "bell" is missing`],
    [{ type: "knock", settings: 5 }, `error ${here}.settings: unknown key`],
    [{ type: "knock", settings: { lest: 5 } }, `error ${here}.lest: unknown key; did you mean "least"?`],
  ])("%j", (given, message) => {
    const { config, problems } = normalise(given);
    expect(problems.join("\n")).toContain(message);
    expect(problems).toHaveLength(1);
    expect(config).toBeUndefined();
  });

  it("are those of its settings together, when each is right by itself", () => {
    expect(normalise({ type: "knock", least: 6 }).problems).toEqual([`error ${here}: \`least\` is above \`most\``]);
    expect(normalise({ type: "knock", least: 666 }).problems).toEqual([
      `error ${here}: knock cannot judge its settings: no`,
    ]);
    // A setting that is wrong by itself is enough to be told.
    expect(normalise({ type: "knock", least: 6, most: "x" }).problems).toHaveLength(1);
  });

  it("are warnings for expressions that backtrack", () => {
    const { checks, problems } = normalise({ type: "knock", word: "(a+)+$" });
    expect(checks).toHaveLength(1);
    expect(problems).toEqual([
      `warning ${here}.word: a repetition within a repetition may take very long on an answer that does not match`,
    ]);
  });

  it("do not show secrets", () => {
    const { problems } = normalise({ type: "knock", password: "abc" });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${here}.password`);
    expect(problems[0]).not.toContain("abc");
    expect(normalise({ type: "knock", password: 12345 }).problems.join()).not.toContain("12345");
  });
});

function lines(before: unknown, after: unknown): string[] {
  return diffConfig(normalise(before).config!, normalise(after).config!).map(({ text }) => text);
}

describe("differences between health checks", () => {
  it("name what has changed", () => {
    expect(lines("knock", "knock")).toEqual([]);
    expect(lines("knock", { type: "knock" })).toEqual([]);
    expect(lines("knock", { type: "knock", interval: "1s", least: 2 })).toEqual([
      "pools.web.healthCheck[0].interval: 5000 → 1000",
      "pools.web.healthCheck[0].settings.least: 1 → 2",
    ]);
    expect(lines("off", "knock").join()).toMatch(/^pools\.web\.healthCheck\[0\]: \+ /);
  });

  it.each<[unknown, unknown]>([
    ["knock", { type: "knock", password: "hunter2" }],
    [
      { type: "knock", password: "hunter2" },
      { type: "knock", password: "hunter2!" },
    ],
    [{ type: "knock", password: "hunter2" }, "off"],
    [{ type: "knock", headers: { Authorization: "Basic hunter2" } }, "knock"],
    ["knock", { type: "knock", headers: { "X-Api-Key": "hunter2" } }],
    ["off", ["knock", { type: "knock", headers: { Cookie: "hunter2" } }]],
  ])("hide secrets: %j → %j", (before, after) => {
    const text = lines(before, after).join("\n");
    expect(text).not.toBe("");
    expect(text).not.toContain("hunter2");
  });
});
