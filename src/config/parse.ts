import { dirname, resolve } from "node:path";
import type { Extensions } from "./extensions.ts";
import { parseJson } from "./json-source.ts";
import { normaliseConfig, type ConfigResult } from "./normalise.ts";
import type { Positions } from "./positions.ts";
import { formatPath, plainProblem, sortProblems, type Problem } from "./problem.ts";
import { MAX_LENGTH } from "./source.ts";
import { readTextFile } from "./substitute.ts";
import { parseYaml } from "./yaml-source.ts";

/** How to read a configuration text. */
export interface ParseOptions {
  /** Named in problems; `${file:…}` paths start beside it. */
  readonly fileName: string;
  /** By default JSON for a name that ends in .json, else YAML. */
  readonly format?: "yaml" | "json";
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads the text files of `${file:…}`; throws when it cannot. */
  readonly readFile?: (path: string) => string;
  readonly extensions: Extensions;
}

/** Plain data with its places, or what is wrong with the text. */
export type SourceResult =
  { readonly value: unknown; readonly positions: Positions } | { readonly problems: readonly Problem[] };

/** Reads a text without looking at its meaning. Never throws. */
export function parseSource(text: string, options: Pick<ParseOptions, "fileName" | "format">): SourceResult {
  const file = options.fileName;
  if (text.length > MAX_LENGTH) return { problems: [plainProblem(`longer than ${MAX_LENGTH} characters`, file)] };
  const format = options.format ?? (file.endsWith(".json") ? "json" : "yaml");
  const withoutMark = text.startsWith("\ufeff") ? text.slice(1) : text;
  const source = format === "json" ? parseJson(withoutMark) : parseYaml(withoutMark);
  if (source.problems.length === 0) {
    // An editor or a full disk may leave an empty file for a moment: it must not take the place of a configuration.
    if (source.value === null || source.value === undefined) {
      const message = "there is nothing in the file; evenkeel init writes a configuration to start from";
      return { problems: [{ ...plainProblem(message, file), line: 1, column: 1 }] };
    }
    return { value: source.value, positions: source.positions };
  }
  const problems = source.problems.map(({ path, line, column, message }): Problem => {
    return { severity: "error", path: formatPath(path ?? []), message, file, line, column };
  });
  return { problems: sortProblems(problems) };
}

/** Reads a configuration from YAML or JSON text and normalises it; does not import modules. Never throws. */
export function parseConfigText(text: string, options: ParseOptions): ConfigResult {
  const source = parseSource(text, options);
  if ("problems" in source) return source;
  const { env, readFile = readTextFile, fileName, extensions } = options;
  return normaliseConfig(source.value, {
    extensions,
    fileName,
    positions: source.positions,
    substitution: { env, readFile, baseDir: dirname(resolve(fileName)) },
  });
}
