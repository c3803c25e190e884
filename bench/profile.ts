// scripts/node bench/profile.ts [--workload NAME] [--duration S] [--contestant NAME]
// Where Evenkeel's time goes under one workload: self time by function for each thread, then system calls per request.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { certificate } from "./certificate.ts";
import type { Contestant } from "./contestants/contestant.ts";
import { contestants } from "./contestants/registry.ts";
import { selfTimes, type CpuProfile } from "./cpu-profile.ts";
import type { LoadResult } from "./load/load.ts";
import { targetOf, type Plan } from "./measure.ts";
import { pick } from "./options.ts";
import type { Origin } from "./origin.ts";
import { requirePrograms } from "./packages.ts";
import { findProgram, freePorts, start, type Running } from "./processes.ts";
import { checkout, session } from "./session.ts";
import type { Workload } from "./workloads/workload.ts";
import { workloads } from "./workloads/registry.ts";

const rowsShown = 40;

/** Seconds of load before anything is counted. */
const warmup = 2;

interface Proxy {
  readonly running: Running;
  load(duration: number): Promise<LoadResult>;
}

async function startProxy(contestant: Contestant, workload: Workload, origin: Origin, plan: Plan): Promise<Proxy> {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const directory = mkdtempSync(join(plan.directory, "proxy-"));
  const secure = workload.secure === true ? certificate(plan.directory) : undefined;
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
  if (running === undefined) throw new Error(`${contestant.name} starts no process to profile`);
  return {
    running,
    async load(duration) {
      const result = await workload.run(targetOf(workload, port, plan, duration));
      if (result.errors.length > 0) throw new Error(result.errors.join(", "));
      return result;
    },
  };
}

/** Shortens a place to what tells files apart: relative to the checkout, or from node_modules on. */
function shortPlace(place: string): string {
  return place.startsWith(checkout) ? place.slice(checkout.length + 1) : place;
}

/** µs of the clock that profiles are stamped with. */
function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function printProfile(file: string, from: number, to: number): void {
  const list = selfTimes(JSON.parse(readFileSync(file, "utf8")) as CpuProfile, from, to);
  const busy = list.reduce((sum, entry) => sum + entry.time, 0);
  process.stdout.write(`\n${file}\n${(busy / 1e6).toFixed(2)} s busy\n`);
  for (const { name, place, time, share } of list.slice(0, rowsShown)) {
    if (share < 0.002) break;
    process.stdout.write(
      `${(share * 100).toFixed(1).padStart(5)} %  ${(time / 1000).toFixed(0).padStart(6)} ms  ${name}  ${shortPlace(place)}\n`,
    );
  }
}

async function profileCpu(contestant: Contestant, workload: Workload, origin: Origin, plan: Plan): Promise<void> {
  const results = join(checkout, "bench/results");
  mkdirSync(results, { recursive: true });
  const directory = mkdtempSync(join(results, `profile-${workload.name}-`));
  // Inherited by the proxy alone: the load generator is not a Node program.
  process.env["NODE_OPTIONS"] = `--cpu-prof --cpu-prof-interval 200 --cpu-prof-dir=${directory}`;
  const proxy = await startProxy(contestant, workload, origin, plan).finally(() => delete process.env["NODE_OPTIONS"]);
  await proxy.load(Math.min(warmup, plan.duration));
  const from = monotonic();
  const result = await proxy.load(plan.duration);
  const to = monotonic();
  await proxy.running.stop();
  process.stdout.write(
    `${contestant.name}, ${workload.summary}: ${result.requests} requests in ${result.duration.toFixed(1)} s, profiled\n`,
  );
  // One file per thread: CPU.date.time.PID.THREAD.n.cpuprofile. Start scripts may have run Node for a moment too.
  const files = readdirSync(directory).filter((name) => name.split(".")[3] === String(proxy.running.pid));
  if (files.length === 0) throw new Error("the proxy left no profile; did it end by a signal?");
  for (const file of files.sort()) printProfile(join(directory, file), from, to);
}

async function countSystemCalls(contestant: Contestant, workload: Workload, origin: Origin, plan: Plan): Promise<void> {
  if (findProgram("strace") === undefined) {
    process.stdout.write("\nstrace is not installed: no count of system calls\n");
    return;
  }
  const proxy = await startProxy(contestant, workload, origin, plan);
  await proxy.load(Math.min(warmup, plan.duration));
  const summary = join(plan.directory, "strace.txt");
  const strace = start({
    name: "strace",
    command: "strace",
    args: ["-c", "-f", "-S", "calls", "-o", summary, "-p", String(proxy.running.pid)],
    cpu: plan.loadCpu,
    log: join(plan.directory, "strace.log"),
  });
  // strace names each thread that it has attached to; until the first line it traces nothing.
  while (!readFileSync(join(plan.directory, "strace.log"), "utf8").includes("attached")) await sleep(20);
  const { requests } = await proxy.load(plan.duration);
  await strace.stop();
  await proxy.running.stop();
  process.stdout.write(`\nsystem calls per request (${requests} requests under strace)\n`);
  for (const line of readFileSync(summary, "utf8").split("\n")) {
    const found = /^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$/.exec(line);
    if (found === null || found[2] === "total") continue;
    const perRequest = Number(found[1]) / requests;
    if (perRequest >= 0.001) process.stdout.write(`${perRequest.toFixed(3).padStart(9)}  ${found[2]}\n`);
  }
}

const { values } = parseArgs({
  options: {
    workload: { type: "string", default: "small-64" },
    contestant: { type: "string", default: "evenkeel" },
    duration: { type: "string", default: "5" },
  },
});
const [workload] = pick("workload", workloads, values.workload) as [Workload];
const [contestant] = pick("contestant", contestants, values.contestant) as [Contestant];
requirePrograms(["taskset", "cc", "wrk", "h2load", ...(contestant.programs ?? [])]);
await session({ rounds: 1, duration: Number(values.duration) }, async (origin, plan) => {
  await profileCpu(contestant, workload, origin, plan);
  await countSystemCalls(contestant, workload, origin, plan);
});
