// Runs the simulations and prints their tables: see docs/simulations.md.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { algorithms } from "../../src/core/balancing/registry.ts";
import { pick } from "../options.ts";
import { plotOf, withTables, type SimulationReport } from "./report.ts";
import { plainTable, tablesOf } from "./tables.ts";
import { scenarios, tasksOf } from "./tasks.ts";
import { runTasks } from "./threads.ts";

const usage = `usage: scripts/node bench/simulation/run.ts [options]
  --scenarios A,B    ${scenarios.join(", ")} (default: all)
  --algorithms A,B   names of balancing algorithms (default: all)
  --minutes N        virtual minutes per run of the long simulation (default 10)
  --seeds N          runs with different chance, put together (default 3)
  --threads N        (default 2)
  --save             write docs/simulations.json and .svg and the tables of docs/simulations.md; needs all scenarios
`;

const docs = new URL("../../docs/", import.meta.url);

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${text}`);
  return value;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      scenarios: { type: "string" },
      algorithms: { type: "string" },
      minutes: { type: "string", default: "10" },
      seeds: { type: "string", default: "3" },
      threads: { type: "string", default: "2" },
      save: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  if (values.save && (values.scenarios ?? values.algorithms) !== undefined) {
    throw new Error("--save goes with all scenarios and algorithms only");
  }
  const named = scenarios.map((name) => ({ name }));
  const wanted = values.scenarios === undefined ? named : pick("scenario", named, values.scenarios);
  const chosen = values.algorithms === undefined ? algorithms : pick("algorithm", algorithms, values.algorithms);
  const minutes = positive("minutes", values.minutes);
  const seeds = Array.from({ length: Math.ceil(positive("seeds", values.seeds)) }, (_, index) => index + 1);
  const plan = {
    scenarios: wanted.map(({ name }) => name),
    algorithms: chosen.map(({ name }) => name),
    minutes,
    seeds,
  };
  const tasks = tasksOf(plan);
  const figures = await runTasks(tasks, Math.ceil(positive("threads", values.threads)), (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${tasks.length}${done === tasks.length ? "\n" : ""}`);
  });
  for (const table of tablesOf(figures)) process.stdout.write(`${plainTable(table)}\n`);
  if (values.save) save({ minutes, seeds, figures });
}

function save(report: SimulationReport): void {
  const page = new URL("simulations.md", docs);
  writeFileSync(new URL("simulations.json", docs), `${JSON.stringify(report, rounded, 1)}\n`);
  // From the rounded figures, so that page and plot follow from the file.
  const kept = JSON.parse(readFileSync(new URL("simulations.json", docs), "utf8")) as SimulationReport;
  writeFileSync(new URL("simulations.svg", docs), plotOf(kept));
  writeFileSync(page, withTables(readFileSync(page, "utf8"), kept));
}

/** Five digits are more than a simulation is good for. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}

await main();
