import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { algorithms } from "../../src/core/balancing/registry.ts";
import { plotOf, withTables, type SimulationReport } from "./report.ts";
import { tailSetups } from "./setups.ts";
import { loads } from "./tasks.ts";

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
const report = JSON.parse(read("simulations.json")) as SimulationReport;
const page = read("simulations.md");

describe("docs/simulations", () => {
  it("has the figures of every algorithm, setup and load, from ten minutes and several seeds", () => {
    const wanted = tailSetups.flatMap(({ name }) =>
      algorithms.flatMap((algorithm) => loads.map((load) => `${name} ${algorithm.name} ${load}`)),
    );
    const found = report.figures.tail.map(({ setup, algorithm, load }) => `${setup} ${algorithm} ${load}`);
    expect(found).toEqual(wanted);
    expect(report.minutes).toBeGreaterThanOrEqual(10);
    expect(report.seeds.length).toBeGreaterThan(1);
    const names = algorithms.map(({ name }) => name);
    expect(report.figures.slowServer.map(({ algorithm }) => algorithm)).toEqual(names);
    expect(new Set(report.figures.recovery.map(({ algorithm }) => algorithm))).toEqual(new Set(names));
  });

  it("has the tables and the plot that follow from them", () => {
    expect(withTables(page, report)).toBe(page);
    expect(plotOf(report)).toBe(read("simulations.svg"));
  });

  it("refuses a page with a table too many or too few", () => {
    const unknown = "<!-- table: unknown -->\n\n<!-- end -->\n";
    expect(() => withTables(page + unknown, report)).toThrow("there is no table unknown");
    expect(() => withTables("", report)).toThrow("no place for one-node-weighted");
  });
});
