import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { algorithms } from "./registry.ts";

const page = readFileSync(new URL("../../../docs/algorithms.md", import.meta.url), "utf8");
const table = page.slice(page.indexOf("<!-- table"), page.indexOf("Measured with"));

it("documents every algorithm, in the order of the registry", () => {
  const documented = [...table.matchAll(/^\| `(\w+)`(?: \(also `(\w+)`\))? *\|/gm)].map((row) => [row[1], row[2]]);
  expect(documented).toEqual(algorithms.map((algorithm) => [algorithm.name, algorithm.aliases?.[0]]));
});

it("documents every setting with its default", () => {
  for (const algorithm of algorithms) {
    const { properties } = algorithm.schema as unknown as { properties: Record<string, Setting> };
    for (const [name, setting] of Object.entries(properties)) {
      const row = page.split("\n").find((line) => line.startsWith("|") && line.includes(`\`${name}\``));
      expect(row, `${algorithm.name}: ${name}`).toBeDefined();
      if (typeof setting.default === "number") expect(row).toContain(shown(setting));
      for (const [inner, { default: value }] of Object.entries(setting.properties ?? {})) {
        expect(row).toContain(`\`${inner}\` ${value}`);
      }
    }
  }
});

interface Setting {
  readonly default?: unknown;
  readonly properties?: Record<string, Setting>;
  readonly "x-evenkeel"?: string;
}

function shown(setting: Setting): string {
  const value = setting.default as number;
  if (setting["x-evenkeel"] !== "duration") return String(value);
  return value % 60_000 === 0 ? `${value / 60_000}m` : `${value / 1000}s`;
}
