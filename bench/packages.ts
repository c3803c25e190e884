// The Debian packages that a benchmark needs.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { findProgram } from "./processes.ts";

const packageOf: Readonly<Record<string, readonly string[]>> = {
  nginx: ["nginx-light"],
  haproxy: ["haproxy"],
  wrk: ["wrk"],
  h2load: ["nghttp2-client"],
  cc: ["gcc", "libc6-dev"],
  taskset: ["util-linux"],
  strace: ["strace"],
};

/**
 * Makes sure that the programs are there: installs their packages when this is Debian and the user is root.
 * Throws with the command to run when a program is missing after that.
 */
export function requirePrograms(programs: readonly string[]): void {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return;
  const packages = missing.flatMap((program) => packageOf[program] ?? [program]);
  if (process.getuid?.() === 0 && existsSync("/etc/debian_version")) {
    process.stderr.write(`installing ${packages.join(" ")}\n`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const quiet = { stdio: ["ignore", "ignore", "inherit"] as ["ignore", "ignore", "inherit"], env };
    const install = ["install", "-y", "-q", "--no-install-recommends", ...packages];
    if (spawnSync("apt-get", install, quiet).status !== 0) {
      spawnSync("apt-get", ["update", "-q"], quiet);
      spawnSync("apt-get", install, quiet);
    }
  }
  const absent = programs.filter((program) => findProgram(program) === undefined);
  if (absent.length === 0) return;
  throw new Error(`missing: ${absent.join(", ")}. On Debian, as root: apt-get install ${packages.join(" ")}`);
}
