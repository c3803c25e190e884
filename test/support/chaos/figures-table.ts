import { readFileSync } from "node:fs";
import type { Figures } from "./figures.ts";

/*
 * Prints tables for docs/resilience.md from the figures of one or more runs:
 *
 *   EVENKEEL_FIGURES=/tmp/figures npm test -- test/scenarios/chaos
 *   node test/support/chaos/figures-table.ts /tmp/figures
 *
 * Of numbers that differ between the runs it shows the median and, in brackets, the least and the greatest.
 */

const runs = new Map<string, Figures[]>();
for (const line of readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean)) {
  const { scenario, figures } = JSON.parse(line) as { scenario: string; figures: Figures };
  runs.set(scenario, [...(runs.get(scenario) ?? []), figures]);
}

function shown(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return String(Math.round(value));
  return value.toPrecision(value < 1 ? 2 : 3);
}

/** One figure over all runs. */
function cell(name: string, all: readonly Figures[]): string {
  const values = all.map((figures) => figures[name]).filter((value) => value !== undefined);
  const numbers = values.filter((value) => typeof value === "number").sort((a, b) => a - b);
  if (numbers.length === 0) return [...new Set(values)].slice(0, 3).join("; ");
  const [least, greatest] = [shown(numbers[0]), shown(numbers.at(-1)!)];
  const middle = shown(numbers[Math.floor(numbers.length / 2)]);
  return least === greatest ? middle : `${middle} (${least}–${greatest})`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Scenarios that measured the same, such as all faults with the same settings, side by side. */
const groups = new Map<string, string[]>();
for (const [scenario, all] of runs) {
  const key = `${scenario.replace(/^[^,]*,/, ",")} ${Object.keys(all[0]).join(" ")}`;
  groups.set(key, [...(groups.get(key) ?? []), scenario]);
}
for (const scenarios of groups.values()) {
  const names = Object.keys(runs.get(scenarios[0])![0]);
  const rows = names.map((name) => [name, ...scenarios.map((scenario) => cell(name, runs.get(scenario)!))]);
  console.log(`${table(["", ...scenarios], rows)}\n`);
}
console.log(`Runs: ${Math.max(...[...runs.values()].map((all) => all.length))}`);
