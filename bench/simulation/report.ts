import { plot } from "./plot.ts";
import { markdownTable, tablesOf } from "./tables.ts";
import type { Figures } from "./tasks.ts";

/** What docs/simulations.json holds. */
export interface SimulationReport {
  readonly minutes: number;
  readonly seeds: readonly number[];
  readonly figures: Figures;
}

/** The plot of a report; equal reports give equal text. */
export function plotOf({ figures, minutes, seeds }: SimulationReport): string {
  return plot(figures, `${minutes} minutes of virtual time for each dot and seed, ${seeds.length} seeds`);
}

/**
 * Puts the report's tables into the page: each between `<!-- table: name -->` and `<!-- end -->`. Throws when the page
 * has no place for a table or names one that does not exist.
 */
export function withTables(page: string, { figures }: SimulationReport): string {
  const left = new Map(tablesOf(figures).map((table) => [table.name, table]));
  const filled = page.replaceAll(
    /(<!-- table: ([a-z-]+) -->\n)[^]*?(\n<!-- end -->)/g,
    (_whole, begin: string, name: string, end: string) => {
      const table = left.get(name);
      if (table === undefined) throw new Error(`there is no table ${name}, or it stands twice`);
      left.delete(name);
      return `${begin}\n${markdownTable(table)}\n${end}`;
    },
  );
  if (left.size > 0) throw new Error(`the page has no place for ${[...left.keys()].join(", ")}`);
  return filled;
}
