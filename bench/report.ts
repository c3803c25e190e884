// From rounds to figures: what the table, the JSON file and the chart show.
import type { Machine } from "./machine.ts";
import type { Round, Row } from "./measure.ts";
import { ratios, spread, type Spread } from "./statistics.ts";
import type { Workload } from "./workloads/workload.ts";

/** The figures of one contestant under one workload: median over the rounds, with minimum and maximum. */
export interface Figures {
  readonly workload: string;
  readonly contestant: string;
  readonly failure?: string;
  /** CPU µs per request: all, user, system. */
  readonly cpu?: Spread;
  readonly user?: Spread;
  readonly system?: Spread;
  /** CPU µs per 10^6 bytes of body, for workloads with one. */
  readonly cpuPerMB?: Spread;
  readonly requestsPerSecond?: Spread;
  /** µs. */
  readonly p50?: Spread;
  readonly p99?: Spread;
  readonly p999?: Spread;
  /** Share of one processor. */
  readonly busy?: Spread;
  /** Bytes; the highest of all rounds. */
  readonly maxResident?: number;
  /** CPU per request divided by the yardstick's of the same round. */
  readonly ratios?: Readonly<Record<string, Spread>>;
}

/** Everything that one invocation measured. */
export interface Report {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly rounds: number;
  /** Seconds per run. */
  readonly duration: number;
  readonly pinned: boolean;
  readonly workloads: readonly { readonly name: string; readonly summary: string }[];
  readonly figures: readonly Figures[];
}

/** Figures of the rows of one workload; `yardsticks` are the contestants to divide by. */
export function figuresOf(workload: Workload, rows: readonly Row[], yardsticks: readonly string[]): Figures[] {
  return rows.map((row) => {
    const { contestant, rounds } = row;
    const name = { workload: workload.name, contestant };
    if (row.failure !== undefined || rounds.length === 0) return { ...name, failure: row.failure ?? "no rounds" };
    const over = (value: (round: Round) => number): Spread => spread(rounds.map(value));
    const quotients: Record<string, Spread> = {};
    for (const yardstick of yardsticks) {
      const base = rows.find((other) => other.contestant === yardstick && other.failure === undefined);
      if (base === undefined || yardstick === contestant) continue;
      const ratio = ratios(rounds.map((round) => round.cpu), base.rounds.map((round) => round.cpu)); // prettier-ignore
      if (ratio !== undefined && ratio.median > 0) quotients[yardstick] = ratio;
    }
    const { body } = workload;
    return {
      ...name,
      cpu: over((round) => round.cpu),
      user: over((round) => round.user),
      system: over((round) => round.system),
      ...(body === undefined ? {} : { cpuPerMB: over((round) => (round.cpu * 1e6) / body.bytes) }),
      requestsPerSecond: over((round) => round.requests / round.duration),
      p50: over((round) => round.p50),
      p99: over((round) => round.p99),
      p999: over((round) => round.p999),
      busy: over((round) => round.busy),
      maxResident: Math.max(...rounds.map((round) => round.resident)),
      ratios: quotients,
    };
  });
}
