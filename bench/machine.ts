import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { findProgram } from "./processes.ts";

/** What the figures were measured on. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  /** GB, 10^9 bytes. */
  readonly memory: number;
  readonly kernel: string;
  readonly system: string;
  readonly node: string;
  /** First line that each program prints about its version. */
  readonly versions: Readonly<Record<string, string>>;
  /** Load average of the minute before the start: above a few tenths the machine was not quiet. */
  readonly loadBefore: number;
}

function firstLine(command: string, argument: string): string | undefined {
  const program = findProgram(command);
  if (program === undefined) return undefined;
  try {
    // nginx and wrk print their version on stderr, wrk with exit code 1.
    const text = execFileSync("sh", ["-c", `"$1" "$2" 2>&1 || true`, "sh", program, argument], { encoding: "utf8" });
    return text.split("\n")[0]!.trim();
  } catch {
    return undefined;
  }
}

/** The processors that this process may run on, from the kernel's list format ("0-1,4"). */
export function allowedProcessors(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
  return list.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number) as [number, number | undefined];
    return Array.from({ length: last! - first + 1 }, (_, i) => first + i);
  });
}

/** Describes the machine for the report. */
export function describeMachine(): Machine {
  const release_ = readFileSync("/etc/os-release", "utf8");
  const versions: Record<string, string> = {};
  for (const [name, argument] of [
    ["nginx", "-v"],
    ["haproxy", "-v"],
    ["wrk", "-v"],
    ["h2load", "--version"],
  ] as const) {
    const line = firstLine(name, argument);
    if (line !== undefined) versions[name] = line;
  }
  return {
    processor: cpus()[0]?.model ?? "unknown",
    processors: cpus().length,
    memory: Math.round(totalmem() / 1e9),
    kernel: release(),
    system: /^PRETTY_NAME="?([^"\n]+)/m.exec(release_)?.[1] ?? "Linux",
    node: process.version,
    versions,
    loadBefore: loadavg()[0]!,
  };
}
