import { appendFileSync } from "node:fs";

/** A figure of a scenario: what, how much, and what it has to be, if anything. */
export type Figures = Readonly<Record<string, number | string>>;

/**
 * Shows what a scenario measured, as one line per figure in the test's output. If EVENKEEL_FIGURES names a file, they
 * are added to it as a line of JSON, from which `docs/resilience.md` was written.
 */
export function report(scenario: string, figures: Figures): void {
  const lines = Object.entries(figures).map(([name, value]) => `  ${name}: ${shown(value)}`);
  console.log(`${scenario}\n${lines.join("\n")}`);
  const file = process.env["EVENKEEL_FIGURES"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ scenario, figures })}\n`);
}

function shown(value: number | string): string {
  if (typeof value === "string" || Number.isInteger(value)) return String(value);
  return value.toPrecision(3);
}
