/** Where a value stands in the configuration: keys and list positions from the top. */
export type ConfigPath = readonly (string | number)[];

/** One thing that is wrong, or doubtful, in a configuration. Lines and columns count from 1. */
export interface Problem {
  readonly severity: "error" | "warning";
  /** For people: `pools.web.servers[0].weight`; empty for the whole file. */
  readonly path: string;
  /** The reason and, where there are any, the allowed values. */
  readonly message: string;
  /** Absent when the configuration did not come from a file. */
  readonly file?: string;
  /** Absent where the source has no positions (TypeScript files, objects). */
  readonly line?: number;
  readonly column?: number;
}

/** Thrown where a configuration that cannot be used has no other way out; `problems` says everything. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** One line: `file:line:column: path: message`, leaving out what is unknown; warnings say so. */
export function formatProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(":");
  const parts = [place, problem.severity === "warning" ? "warning" : "", problem.path, problem.message];
  return parts.filter((part) => part !== "").join(": ");
}

/** A problem without a place in a file: one with the environment, a missing file, a module. */
export function plainProblem(message: string, file?: string): Problem {
  return { severity: "error", path: "", message, ...(file === undefined ? {} : { file }) };
}

/** Errors and warnings in the order of the file; those without a position first, as they came. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

/** True when a problem forbids the configuration to be used. */
export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === "error");
}

/** `["pools", "web", "servers", 0]` as `pools.web.servers[0]`. */
export function formatPath(path: ConfigPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}
