import { parseArgs } from "node:util";
import { contestants, defaultContestants } from "./contestants/registry.ts";
import type { Contestant } from "./contestants/contestant.ts";
import { workloads } from "./workloads/registry.ts";
import type { Workload } from "./workloads/workload.ts";

/** What the command line asks for. */
export interface Options {
  readonly rounds: number;
  /** Seconds per run. */
  readonly duration: number;
  readonly workloads: readonly Workload[];
  /** The contestants of each workload. */
  contestantsFor(workload: Workload): readonly Contestant[];
  /** Keep the report as the accepted state in docs/. */
  readonly save: boolean;
}

export const usage = `usage: npm run bench -- [options]
  --rounds N           rounds per workload (default 3)
  --duration S         whole seconds per run (default 2)
  --quick              one round of one second
  --workloads A,B      ${workloads.map((workload) => workload.name).join(", ")}; "all"
  --contestants A,B    ${contestants.map((contestant) => contestant.name).join(", ")}
  --save               write docs/benchmarks.json and docs/benchmarks.svg
`;

/** The entries whose names are listed, in the registry's order. Throws for a name that does not exist. */
export function pick<T extends { readonly name: string }>(kind: string, all: readonly T[], list: string): T[] {
  const names = list.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !all.some((entry) => entry.name === name));
  if (unknown.length > 0)
    throw new Error(`no ${kind} ${unknown.join(", ")}; there are ${all.map((e) => e.name).join(", ")}`);
  return all.filter((entry) => names.includes(entry.name));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1 on, not ${text}`);
  return value;
}

/** Reads the command line. Throws an error with a message for the user. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string" },
      duration: { type: "string" },
      quick: { type: "boolean", default: false },
      workloads: { type: "string" },
      contestants: { type: "string" },
      save: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const named = values.contestants === undefined ? undefined : pick("contestant", contestants, values.contestants);
  const byDefault = contestants.filter((contestant) => defaultContestants.includes(contestant.name));
  return {
    rounds: positive("rounds", values.rounds ?? (values.quick ? "1" : "3")),
    duration: positive("duration", values.duration ?? (values.quick ? "1" : "2")),
    save: values.save,
    workloads:
      values.workloads === undefined
        ? workloads.filter((workload) => workload.standard)
        : values.workloads === "all"
          ? workloads
          : pick("workload", workloads, values.workloads),
    contestantsFor(workload) {
      if (named !== undefined) return named;
      const direct = contestants.filter(({ name }) => name === "direct" && workload.direct === true);
      const fits = ({ peer, onlyFor }: Contestant) =>
        (peer !== true || workload.peers === true) && onlyFor?.(workload.name) !== false;
      return [...direct, ...byDefault.filter(fits)];
    },
  };
}
