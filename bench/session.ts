// What every kind of benchmark run has in common: processors, temporary files, the origin, progress.
import { mkdtempSync, rmSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { allowedProcessors } from "./machine.ts";
import type { Plan } from "./measure.ts";
import { startOrigin, type Origin } from "./origin.ts";

/** Root of the checkout that this file is in. */
export const checkout = dirname(dirname(fileURLToPath(import.meta.url)));

/** Short name of the commit of a checkout, with "+" when tracked files differ from it. */
export function commitOf(root: string): string {
  const git = (...args: string[]): string => execFileSync("git", ["-C", root, ...args], { encoding: "utf8" }).trim();
  try {
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "-uno") === "" ? "" : "+");
  } catch {
    return "unknown";
  }
}

const clearLine = process.stderr.isTTY ? "\r\x1b[K" : "";

/** One line of progress: rewritten in place on a terminal, otherwise silent. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(clearLine + text);
}

/**
 * Runs `work` with an origin and the first two allowed processors: the proxy under test has one for itself,
 * load generator and origin share the other. Cleans up whatever happens.
 */
export async function session<T>(
  options: { readonly rounds: number; readonly duration: number },
  work: (origin: Origin, plan: Plan) => Promise<T>,
): Promise<T> {
  const [proxyCpu, loadCpu] = allowedProcessors();
  const pinned = loadCpu !== undefined;
  if (!pinned) process.stderr.write("only one processor: proxy and load share it, the figures are worth little\n");
  if (loadavg()[0]! > 0.5) process.stderr.write(`the machine is not quiet: load average ${loadavg()[0]!.toFixed(2)}\n`);
  const directory = mkdtempSync(join(tmpdir(), "evenkeel-bench-"));
  const cleanUp = (): void => rmSync(directory, { recursive: true, force: true });
  process.on("exit", cleanUp);
  const plan: Plan = {
    rounds: options.rounds,
    duration: options.duration,
    proxyCpu: pinned ? proxyCpu : undefined,
    loadCpu,
    directory,
    progress,
  };
  const origin = await startOrigin(loadCpu, directory);
  try {
    return await work(origin, plan);
  } finally {
    await origin.running.stop();
    if (clearLine !== "") process.stderr.write(clearLine);
    cleanUp();
    process.off("exit", cleanUp);
  }
}
