// wrk as load generator: closed loop, as many requests at a time as there are connections.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runToEnd } from "../processes.ts";
import type { LoadResult, Target } from "./load.ts";

/** Requests that wrk repeats. */
export interface WrkLoad {
  readonly connections: number;
  readonly path: string;
  /** Size of the request body; no body when undefined. */
  readonly upload?: number;
  /** Fields added to each request. */
  readonly headers?: Readonly<Record<string, string>>;
}

// Only `done` and static fields: a script without `request` and `response` functions costs wrk nothing per request.
function script(load: WrkLoad): string {
  const lines = Object.entries(load.headers ?? {}).map(([name, value]) => `wrk.headers["${name}"] = "${value}"`);
  if (load.upload !== undefined) lines.push(`wrk.method = "POST"`, `wrk.body = string.rep("u", ${load.upload})`);
  return `${lines.join("\n")}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests":%d,"duration":%d,"bytes":%d,"p50":%d,"p99":%d,"p999":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    e.connect, e.read, e.write, e.status, e.timeout))
end
`;
}

const kinds = ["connect", "read", "write", "status", "timeout"] as const;

/** Reads the result line that the script prints. Throws when there is none. */
export function parseWrk(stdout: string): LoadResult {
  const line = /^RESULT (\{.*\})$/m.exec(stdout)?.[1];
  if (line === undefined) throw new Error(`wrk printed no result: ${stdout.slice(-300)}`);
  const fields = JSON.parse(line) as Record<(typeof kinds)[number] | Exclude<keyof LoadResult, "errors">, number>;
  const errors = kinds
    .filter((kind) => fields[kind] > 0)
    .map((kind) => `${fields[kind]} ${kind === "status" ? "answers with an error status" : `${kind} errors`}`);
  const { requests, bytes, p50, p99, p999 } = fields;
  return { requests, bytes, p50, p99, p999, duration: fields.duration / 1e6, errors };
}

/** Runs wrk once with one thread. */
export async function wrk(load: WrkLoad, target: Target): Promise<LoadResult> {
  const file = join(target.directory, "load.lua");
  writeFileSync(file, script(load));
  const url = `${target.secure ? "https" : "http"}://127.0.0.1:${target.port}${load.path}`;
  // wrk takes whole seconds only.
  const seconds = Math.max(1, Math.round(target.duration));
  const args = ["-t1", `-c${load.connections}`, `-d${seconds}s`, "--timeout", "5s", "-s", file, url];
  const { stdout } = await runToEnd("wrk", args, { cpu: target.cpu, timeout: seconds * 1000 + 15_000 });
  return parseWrk(stdout);
}
