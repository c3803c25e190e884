// h2load as load generator where requests have to arrive at a fixed rate, which wrk cannot do, and for HTTP/2.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runToEnd } from "../processes.ts";
import type { LoadResult, Target } from "./load.ts";

/** Requests at a fixed rate over keep-alive HTTP/1.1 connections. */
export interface RateLoad {
  readonly connections: number;
  /** Requests per second, all connections together. */
  readonly rate: number;
  readonly path: string;
}

/** As many requests at a time as there are streams, over HTTP/2. */
export interface StreamLoad {
  readonly connections: number;
  /** Requests at one time on each connection. */
  readonly streams: number;
  readonly path: string;
}

/** Percentiles of the lines that h2load logs per request: start (µs), status, time to the answer's end (µs). */
export function parseRequestLog(text: string): Omit<LoadResult, "bytes"> {
  const times: number[] = [];
  let first = Infinity;
  let last = 0;
  let failed = 0;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [start, status, time] = line.split("\t").map(Number) as [number, number, number];
    if (status < 200 || status > 299) failed++;
    first = Math.min(first, start);
    last = Math.max(last, start + time);
    times.push(time);
  }
  if (times.length === 0) throw new Error("h2load logged no request");
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.ceil(times.length * share) - 1)]!;
  return {
    requests: times.length,
    duration: (last - first) / 1e6,
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    errors: failed > 0 ? [`${failed} requests failed`] : [],
  };
}

/** Runs h2load once with one thread. */
export async function atRate(load: RateLoad, target: Target): Promise<LoadResult> {
  const log = join(target.directory, "requests.log");
  rmSync(log, { force: true });
  const perConnection = Math.max(1, Math.round(load.rate / load.connections));
  const requests = Math.round(perConnection * load.connections * target.duration);
  const url = `http://127.0.0.1:${target.port}${load.path}`;
  const args = [
    "--h1",
    "-t1",
    `-c${load.connections}`,
    `-n${requests}`,
    `--rps=${perConnection}`,
    `--log-file=${log}`,
    url,
  ];
  const { stdout } = await runToEnd("h2load", args, { cpu: target.cpu, timeout: target.duration * 3000 + 15_000 });
  const seen = parseRequestLog(readFileSync(log, "latin1"));
  const missing = requests - seen.requests;
  const errors = missing > 0 ? [...seen.errors, `${missing} requests got no answer`] : seen.errors;
  return { ...seen, bytes: Number(/\((\d+)\) total/.exec(stdout)?.[1] ?? 0), errors };
}

/** Runs h2load over HTTP/2, closed loop, with one thread for the target's duration. */
export async function overHttp2(load: StreamLoad, target: Target): Promise<LoadResult> {
  const log = join(target.directory, "requests.log");
  rmSync(log, { force: true });
  const url = `${target.secure ? "https" : "http"}://127.0.0.1:${target.port}${load.path}`;
  const seconds = Math.max(1, Math.round(target.duration));
  const args = ["-t1", `-c${load.connections}`, `-m${load.streams}`, `-D${seconds}`, `--log-file=${log}`, url];
  const { stdout } = await runToEnd("h2load", args, { cpu: target.cpu, timeout: seconds * 3000 + 15_000 });
  const seen = parseRequestLog(readFileSync(log, "latin1"));
  const counts = /(\d+) failed, (\d+) errored, (\d+) timeout/.exec(stdout);
  // What is under way when the time is over counts as failed and errored alike: only answers with a bad status matter.
  const timeouts = Number(counts?.[3] ?? 0);
  const errors = timeouts > 0 ? [...seen.errors, `${timeouts} timeouts`] : seen.errors;
  return { ...seen, bytes: Number(/\((\d+)\) total/.exec(stdout)?.[1] ?? 0), errors };
}
