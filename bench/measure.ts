// Measures contestants under one workload, in rounds that take every contestant once: A B C, A B C, ...
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cpuTime, maxResident, processTree } from "./accounting.ts";
import { certificate } from "./certificate.ts";
import type { Certificate, Contestant } from "./contestants/contestant.ts";
import type { LoadResult, Target } from "./load/load.ts";
import type { Origin } from "./origin.ts";
import { freePorts, type Running } from "./processes.ts";
import type { Workload } from "./workloads/workload.ts";

/** One round of one contestant. */
export interface Round extends LoadResult {
  /** CPU of the proxy per request, µs, all its processes and threads; 0 without a proxy. */
  readonly cpu: number;
  readonly user: number;
  readonly system: number;
  /** Share of one processor that the proxy used; near 1 the proxy was the bottleneck. */
  readonly busy: number;
  /** Highest resident memory so far, bytes. */
  readonly resident: number;
}

/** All rounds of one contestant under one workload. */
export interface Row {
  readonly workload: string;
  readonly contestant: string;
  readonly rounds: readonly Round[];
  /** Why there are no figures; a row that failed once counts for nothing. */
  readonly failure?: string;
}

export interface Plan {
  readonly rounds: number;
  /** Seconds per run. */
  readonly duration: number;
  /** Processors of the proxy under test, and of load generator and origin; undefined: not pinned. */
  readonly proxyCpu: number | undefined;
  readonly loadCpu: number | undefined;
  readonly directory: string;
  progress(text: string): void;
}

interface Entry {
  readonly contestant: Contestant;
  readonly running: Running | undefined;
  readonly port: number;
  readonly directory: string;
  readonly rounds: Round[];
  failure?: string;
}

function lastLines(directory: string): string {
  try {
    return readFileSync(join(directory, "log"), "utf8").trim().split("\n").slice(-5).join("\n");
  } catch {
    return "";
  }
}

function problemOf(workload: Workload, result: LoadResult): string | undefined {
  if (result.errors.length > 0) return result.errors.join(", ");
  if (result.requests === 0) return "not one request was answered";
  const { body } = workload;
  // Bytes of answers that were still under way at the end are counted too, so this is a lower bound.
  if (body?.direction === "down" && result.bytes < result.requests * body.bytes)
    return "answers are shorter than asked for";
  return undefined;
}

/** What the load generator of a workload is told: the port to go to, for how many seconds. */
export function targetOf(workload: Workload, port: number, plan: Plan, duration: number): Target {
  return { port, secure: workload.secure === true, cpu: plan.loadCpu, duration, directory: plan.directory };
}

async function oneRound(workload: Workload, entry: Entry, plan: Plan, duration: number): Promise<Round> {
  const pids = entry.running === undefined ? [] : processTree(entry.running.pid);
  const began = performance.now();
  const before = cpuTime(pids);
  const result = await workload.run(targetOf(workload, entry.port, plan, duration));
  const after = cpuTime(pids);
  const elapsed = (performance.now() - began) * 1000;
  const problem = problemOf(workload, result);
  if (problem !== undefined) throw new Error(problem);
  const total = after.total - before.total;
  const per = (µs: number): number => µs / result.requests;
  return {
    ...result,
    cpu: per(total),
    user: per(after.user - before.user),
    system: per(after.system - before.system),
    busy: total / Math.min(elapsed, result.duration * 1e6),
    resident: maxResident(pids),
  };
}

async function attempt(entry: Entry, work: () => Promise<void>): Promise<void> {
  if (entry.failure !== undefined) return;
  try {
    await work();
  } catch (error) {
    entry.failure = error instanceof Error ? error.message : String(error);
    const log = lastLines(entry.directory);
    if (log !== "") entry.failure += `; it printed:\n${log}`;
  }
}

let started = 0;

async function startAll(
  list: readonly Contestant[],
  origin: Origin,
  plan: Plan,
  secure: Certificate | undefined,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const contestant of list) {
    const directory = join(plan.directory, `${++started}-${contestant.name}`);
    mkdirSync(directory, { recursive: true });
    const [port, adminPort] = (await freePorts(2)) as [number, number];
    const base = { contestant, directory, rounds: [] };
    try {
      const setting = {
        port,
        adminPort,
        secure,
        origins: origin.ports,
        directory,
        cpu: plan.proxyCpu,
        loadCpu: plan.loadCpu,
      };
      const running = await contestant.start(setting);
      entries.push({ ...base, running, port: running === undefined ? origin.ports[0]! : port });
    } catch (error) {
      const failure = `${error instanceof Error ? error.message : String(error)}\n${lastLines(directory)}`.trim();
      entries.push({ ...base, running: undefined, port, failure });
    }
  }
  return entries;
}

/** Starts every contestant afresh, warms each up, runs the rounds and stops them all. */
export async function measure(
  workload: Workload,
  list: readonly Contestant[],
  origin: Origin,
  plan: Plan,
): Promise<Row[]> {
  const secure = workload.secure === true ? certificate(plan.directory) : undefined;
  const entries = await startAll(list, origin, plan, secure);
  try {
    for (const entry of entries) {
      plan.progress(`${workload.name}: ${entry.contestant.name} warms up`);
      await attempt(entry, async () => {
        await oneRound(workload, entry, plan, Math.min(entry.contestant.warmup, plan.duration));
      });
    }
    for (let round = 1; round <= plan.rounds; round++) {
      for (const entry of entries) {
        plan.progress(`${workload.name}: round ${round} of ${plan.rounds}, ${entry.contestant.name}`);
        await attempt(entry, async () => {
          entry.rounds.push(await oneRound(workload, entry, plan, plan.duration));
        });
      }
    }
  } finally {
    await Promise.all(entries.map((entry) => entry.running?.stop()));
  }
  return entries.map(({ contestant, rounds, failure }) => ({
    workload: workload.name,
    contestant: contestant.name,
    rounds: failure === undefined ? rounds : [],
    ...(failure === undefined ? {} : { failure }),
  }));
}
