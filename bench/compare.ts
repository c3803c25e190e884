// scripts/node bench/compare.ts BASE_REF [--workloads A,B] [--rounds N] [--duration S]
// This checkout (with what is not committed) against another commit, interleaved. Ends with 1 when it got slower.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { evenkeelOf } from "./contestants/evenkeel.ts";
import { describeMachine } from "./machine.ts";
import { measure } from "./measure.ts";
import { pick } from "./options.ts";
import { requirePrograms } from "./packages.ts";
import { figuresOf, type Figures } from "./report.ts";
import { checkout, commitOf, session } from "./session.ts";
import { table } from "./table.ts";
import { verdict } from "./verdict.ts";
import { workloads } from "./workloads/registry.ts";

const git = (...args: string[]): void => {
  execFileSync("git", ["-C", checkout, ...args], { stdio: ["ignore", "ignore", "inherit"] });
};

/** Runs `work` with a temporary worktree of the commit, which borrows this checkout's dependencies. */
async function withWorktree<T>(ref: string, work: (root: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "evenkeel-base-"));
  const root = join(directory, "checkout");
  const remove = (): void => {
    if (existsSync(root)) git("worktree", "remove", "--force", root);
    rmSync(directory, { recursive: true, force: true });
  };
  process.on("exit", remove);
  try {
    git("worktree", "add", "--detach", root, ref);
    symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
    return await work(root);
  } finally {
    remove();
    process.off("exit", remove);
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workloads: { type: "string", default: "small-64,small-256,download-100kB,upload-100kB,new-connection" },
    rounds: { type: "string", default: "5" },
    duration: { type: "string", default: "2" },
  },
});
const [ref] = positionals;
if (ref === undefined || positionals.length > 1) {
  process.stderr.write("usage: scripts/node bench/compare.ts BASE_REF [--workloads A,B] [--rounds N] [--duration S]\n");
  process.exit(64);
}
requirePrograms(["taskset", "cc", "wrk", "h2load"]);
const chosen = pick("workload", workloads, values.workloads);
const options = { rounds: Number(values.rounds), duration: Number(values.duration) };
const machine = describeMachine();

const figures = await withWorktree(ref, async (root) => {
  const list = [evenkeelOf("base", ref, root), evenkeelOf("branch", "this checkout", checkout)];
  return session(options, async (origin, plan) => {
    const all: Figures[] = [];
    for (const workload of chosen)
      all.push(...figuresOf(workload, await measure(workload, list, origin, plan), ["base"]));
    return all;
  });
});
const report = {
  date: new Date().toISOString(),
  commit: commitOf(checkout),
  machine,
  ...options,
  pinned: true,
  workloads: chosen.map(({ name, summary }) => ({ name, summary })),
  figures,
};
process.stdout.write(`${table(report, ["base"])}\n`);
for (const { name } of chosen) {
  const branch = figures.find((entry) => entry.workload === name && entry.contestant === "branch");
  const judged = verdict(branch?.ratios?.["base"], options.rounds);
  process.stdout.write(`${name}: ${judged}\n`);
  if (judged === "slower" || judged === "failed") process.exitCode = 1;
}
