import { expect, it } from "vitest";
import type { NodeState } from "../api/node-state.ts";
import { exposition } from "./exposition.ts";
import { metricFamilies } from "./families.ts";
import type { MetricFamily, Sample } from "./metric-family.ts";

const state = {} as NodeState;
const family = (name: string, samples: Sample[]): MetricFamily => {
  return { name, help: `Help of\n${name}\\.`, type: "gauge", samples: () => samples };
};

it("is one block per family, with texts escaped", () => {
  const families = [
    family("a", [{ value: 1.5 }, { labels: { x: 'say "hi"\\\n', y: "ü" }, value: -Infinity }]),
    family("none", []),
    family("b", [
      { suffix: "_sum", labels: { le: "1" }, value: NaN },
      { suffix: "_count", value: 1e21 },
    ]),
  ];
  expect(exposition(families, state)).toBe(
    [
      "# HELP a Help of\\na\\\\.",
      "# TYPE a gauge",
      "a 1.5",
      'a{x="say \\"hi\\"\\\\\\n",y="ü"} -Inf',
      "# HELP b Help of\\nb\\\\.",
      "# TYPE b gauge",
      'b_sum{le="1"} NaN',
      "b_count 1e+21",
      "",
    ].join("\n"),
  );
  expect(exposition([], state)).toBe("");
});

it("has families whose names say what they are, each once", () => {
  const names = metricFamilies.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type, help } of metricFamilies) {
    expect(name).toMatch(/^evenkeel_[a-z][a-z0-9_]*$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
    expect(help).toMatch(/\.$|; always 1\.$/);
  }
});
