import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fileReason } from "./file-error.ts";
import { pathKey } from "./positions.ts";
import type { ConfigPath } from "./problem.ts";

/** Where `${NAME}` and `${file:PATH}` take their values from. */
export interface SubstitutionSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a text file; throws when it cannot. */
  readFile(path: string): string;
  /** Directory in which relative paths of `${file:…}` start: that of the configuration file. */
  readonly baseDir: string;
}

/** Longest file that `${file:…}` reads, in characters: a secret or a certificate, not a disk. */
const MAX_FILE = 1024 * 1024;

/** Reads the files of `${file:…}` from the disk. */
export function readTextFile(path: string): string {
  // A pipe or a device would hold everything up, or never end.
  if (!statSync(path).isFile()) throw new Error("it is not a regular file");
  const text = readFileSync(path, "utf8");
  if (text.length > MAX_FILE) throw new Error(`longer than ${MAX_FILE} characters`);
  return text;
}

/** The value with all texts replaced, which of them were (by `pathKey`), and what went wrong. */
export interface SubstitutionResult {
  readonly value: unknown;
  readonly replaced: ReadonlySet<string>;
  readonly problems: readonly { readonly path: ConfigPath; readonly message: string }[];
}

/**
 * Replaces `${NAME}`, `${NAME:-default}`, `${file:PATH}` and `${file:PATH:-default}` in every text of plain data
 * (not in keys); `$${` is a literal `${`. A file's last line break is left out.
 */
export function substitute(value: unknown, sources: SubstitutionSources): SubstitutionResult {
  const replaced = new Set<string>();
  const problems: { path: ConfigPath; message: string }[] = [];
  const walk = (node: unknown, path: ConfigPath): unknown => {
    if (typeof node === "string") {
      if (!node.includes("${")) return node;
      const report = (message: string) => problems.push({ path, message });
      const result = substituteText(node, sources, report);
      if (result !== node) replaced.add(pathKey(path));
      return result;
    }
    if (Array.isArray(node)) return node.map((item, index) => walk(item, [...path, index]));
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, [...path, key])]));
  };
  return { value: walk(value, []), replaced, problems };
}

const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g;

function substituteText(text: string, sources: SubstitutionSources, report: (message: string) => void): string {
  return text.replaceAll(REFERENCE, (whole: string, body: string | undefined) => {
    if (whole === "$${") return "${";
    if (body === undefined || !whole.endsWith("}")) return fail("${ without its }; write $${ for a literal ${");
    const [reference, fallback] = splitDefault(body);
    if (reference.startsWith("file:")) return fromFile(reference.slice(5), fallback);
    if (!/^[A-Za-z_]\w*$/.test(reference)) {
      return fail(
        `"${reference.slice(0, 60)}" is not the name of an environment variable; write $\${ for a literal \${`,
      );
    }
    const value = Object.hasOwn(sources.env, reference) ? sources.env[reference] : undefined;
    if (value !== undefined && (value !== "" || fallback === undefined)) return value;
    return (
      fallback ?? fail(`the environment variable ${reference} is not set; \${${reference}:-default} has a default`)
    );
  });

  function fromFile(path: string, fallback: string | undefined): string {
    try {
      return sources.readFile(resolve(sources.baseDir, path)).replace(/\r?\n$/, "");
    } catch (error) {
      return fallback ?? fail(`cannot read the file ${path}: ${fileReason(error)}`);
    }
  }

  function fail(message: string): string {
    report(message);
    return "";
  }
}

/** As in the shell, what follows `:-` takes effect when the variable is unset or empty. */
function splitDefault(body: string): [string, string | undefined] {
  const at = body.indexOf(":-");
  return at === -1 ? [body, undefined] : [body.slice(0, at), body.slice(at + 2)];
}
