import { appendFileSync } from "node:fs";

/** What a scenario measured, by name. */
export type Figures = Readonly<Record<string, number | string>>;

/**
 * Shows what a scenario measured, one line per figure, in the test's output. If EVENKEEL_FIGURES names a file, they are
 * added to it as a line of JSON; `docs/resilience.md` is written from such files.
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
