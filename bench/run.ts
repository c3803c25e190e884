// npm run bench: the proxies side by side. See README.md here and docs/benchmarks.md.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chart } from "./chart.ts";
import { describeMachine } from "./machine.ts";
import { measure } from "./measure.ts";
import { readOptions, usage, type Options } from "./options.ts";
import { requirePrograms } from "./packages.ts";
import { figuresOf, type Figures, type Report } from "./report.ts";
import { checkout, commitOf, session } from "./session.ts";
import { table } from "./table.ts";

const yardsticks = ["nginx", "haproxy"];

function estimate(options: Options): number {
  let seconds = 0;
  for (const workload of options.workloads) {
    const list = options.contestantsFor(workload);
    const warmup = list.reduce((sum, { warmup }) => sum + Math.max(1, Math.min(warmup, options.duration)), 0);
    seconds += 1 + warmup + list.length * options.rounds * (options.duration + 0.1);
  }
  return seconds;
}

async function run(options: Options): Promise<Report> {
  const everybody = new Set(options.workloads.flatMap((workload) => options.contestantsFor(workload)));
  requirePrograms(["taskset", "cc", "wrk", "h2load", ...[...everybody].flatMap(({ programs }) => programs ?? [])]);
  const machine = describeMachine();
  process.stderr.write(`about ${Math.ceil(estimate(options) / 60)} min\n`);
  return session(options, async (origin, plan) => {
    const figures: Figures[] = [];
    for (const workload of options.workloads) {
      const rows = await measure(workload, options.contestantsFor(workload), origin, plan);
      figures.push(...figuresOf(workload, rows, yardsticks));
    }
    return {
      date: new Date().toISOString(),
      commit: commitOf(checkout),
      machine,
      rounds: options.rounds,
      duration: options.duration,
      pinned: plan.proxyCpu !== undefined,
      workloads: options.workloads.map(({ name, summary }) => ({ name, summary })),
      figures,
    };
  });
}

function keep(report: Report, save: boolean): void {
  const results = join(checkout, "bench/results");
  mkdirSync(results, { recursive: true });
  const json = `${JSON.stringify(report, undefined, 2)}\n`;
  const file = join(results, `${report.date.replaceAll(":", "-").slice(0, 19)}.json`);
  writeFileSync(file, json);
  writeFileSync(join(results, "latest.svg"), chart(report));
  process.stderr.write(`written: ${file}\n`);
  if (!save) return;
  writeFileSync(join(checkout, "docs/benchmarks.json"), json);
  writeFileSync(join(checkout, "docs/benchmarks.svg"), chart(report));
  process.stderr.write("written: docs/benchmarks.json, docs/benchmarks.svg\n");
}

async function main(): Promise<void> {
  let options: Options | undefined;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}`);
    process.exitCode = 64;
    return;
  }
  if (options === undefined) {
    process.stdout.write(usage);
    return;
  }
  const report = await run(options);
  process.stdout.write(`${table(report, yardsticks)}\n`);
  const failed = report.figures.filter((figures) => figures.failure !== undefined).length;
  keep(report, options.save && failed === 0);
  if (failed === 0) return;
  process.stderr.write(`${failed} rows FAILED${options.save ? "; not saved to docs/" : ""}\n`);
  process.exitCode = 1;
}

await main();
