import { readFileSync } from "node:fs";
import type { Extensions } from "./extensions.ts";
import { parseJson } from "./json-source.ts";
import { normaliseConfig, type ConfigResult } from "./normalise.ts";
import { formatPath, sortProblems } from "./problem.ts";
import { MAX_LENGTH } from "./source.ts";
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

/** A configuration text's plain data, before normalisation. */
export function parseSource(text: string, options: Pick<ParseOptions, "fileName" | "format">) {
  const isJson = (options.format ?? (options.fileName.endsWith(".json") ? "json" : "yaml")) === "json";
  const withoutMark = text.startsWith("\ufeff") ? text.slice(1) : text;
  return isJson ? parseJson(withoutMark) : parseYaml(withoutMark);
}

/** Reads a configuration from YAML or JSON text and normalises it. Never throws. */
export function parseConfigText(text: string, options: ParseOptions): ConfigResult {
  const file = options.fileName;
  if (text.length > MAX_LENGTH) {
    return { problems: [{ severity: "error", path: "", message: `longer than ${MAX_LENGTH} characters`, file }] };
  }
  const source = parseSource(text, options);
  if (source.problems.length > 0) {
    const problems = source.problems.map(({ path, ...problem }) => {
      return { severity: "error" as const, ...problem, path: formatPath(path ?? []), file };
    });
    return { problems: sortProblems(problems) };
  }
  return normaliseConfig(source.value, {
    extensions: options.extensions,
    fileName: file,
    positions: source.positions,
    substitution: { env: options.env, readFile: options.readFile ?? readText, fileName: file },
  });
}

/** Longest file that `${file:…}` reads, in bytes: a secret or a certificate, not a disk. */
const MAX_INCLUDED = 1024 * 1024;

function readText(path: string): string {
  const text = readFileSync(path, "utf8");
  if (text.length > MAX_INCLUDED) throw new Error(`longer than ${MAX_INCLUDED} bytes`);
  return text;
}
