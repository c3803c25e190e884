import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { fileReason } from "./file-error.ts";
import { joinExtensions, type Extensions } from "./extensions.ts";
import { loadModules, resolveModules } from "./modules.ts";
import { normaliseConfig, type ConfigResult, type NormaliseOptions } from "./normalise.ts";
import { provideOwnPackage } from "./own-package.ts";
import { parseSource, type SourceResult } from "./parse.ts";
import { formatPath, hasErrors, plainProblem, sortProblems, type Problem } from "./problem.ts";
import { readTextFile, substitute } from "./substitute.ts";
import { checkTlsFiles } from "./tls-file-checks.ts";

/** Names that are looked for in the working directory, in this order. */
export const CONFIG_FILES = ["evenkeel.yaml", "evenkeel.yml", "evenkeel.json", "evenkeel.config.ts"] as const;

/** Where the configuration comes from. */
export interface LoadOptions {
  /** The file; without it the first of `CONFIG_FILES` that is there. Relative to `cwd`. */
  readonly file?: string | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What comes with the program; modules named in the configuration add theirs. */
  readonly extensions: Extensions;
}

/** A loaded configuration; `config` is there when no problem is an error. */
export interface LoadedConfig extends ConfigResult {
  /** Absolute path of the file that was read. */
  readonly file?: string;
  /** Absolute path at which relative paths in the configuration start; absent when nothing was read. */
  readonly baseDir?: string;
  /** Absolute paths of the imported modules. */
  readonly modules: readonly string[];
  /** Those given, and those of the modules. */
  readonly extensions: Extensions;
}

/** Finds, reads and normalises the configuration file and imports its modules. Never rejects. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { cwd, env, extensions } = options;
  const name = options.file ?? CONFIG_FILES.find((candidate) => existsSync(resolve(cwd, candidate)));
  if (name === undefined) {
    const message = `there is no configuration in ${cwd}: looked for ${CONFIG_FILES.join(", ")}; evenkeel init writes one`;
    return { problems: [plainProblem(message)], modules: [], extensions };
  }
  const file = resolve(cwd, name);
  const source = await readSource(file, name);
  if ("problems" in source) return { ...source, file, modules: [], extensions };
  const baseDir = dirname(file);
  const loaded = await normaliseWithModules(source.value, baseDir, {
    extensions,
    fileName: name,
    ...("positions" in source ? { positions: source.positions } : {}),
    substitution: { env, readFile: readTextFile, baseDir },
  });
  return { ...loaded, file };
}

/**
 * Normalises a configuration that a program made (library interface) and imports its modules; `${…}` in its texts is
 * left alone. Relative paths start at `baseDir`. Never rejects.
 */
export async function loadConfigObject(input: unknown, baseDir: string, extensions: Extensions): Promise<LoadedConfig> {
  return normaliseWithModules(input, baseDir, { extensions });
}

type ReadResult = SourceResult | { readonly value: unknown };

async function readSource(file: string, name: string): Promise<ReadResult> {
  if (/\.[cm]?[jt]s$/.test(file)) return importConfig(file, name);
  try {
    return parseSource(await readFile(file, "utf8"), { fileName: name });
  } catch (error) {
    return {
      problems: [plainProblem(`cannot be read: ${fileReason(error)}`, name)],
    };
  }
}

/** The module's own imports stay as they were when it is loaded again: Node has no way to forget them. */
async function importConfig(file: string, name: string): Promise<ReadResult> {
  provideOwnPackage();
  try {
    const { mtimeMs, size } = await stat(file);
    const url = `${pathToFileURL(file).href}?version=${mtimeMs}-${size}`;
    const exported = ((await import(url)) as { default?: unknown }).default;
    if (exported === undefined)
      return { problems: [plainProblem("has no default export; export default defineConfig({ … })", name)] };
    return { value: typeof exported === "function" ? await (exported as () => unknown)() : exported };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const hint = reason.includes("'evenkeel'") ? "; npm install evenkeel beside it, or export a plain object" : "";
    return { problems: [plainProblem(`cannot be imported: ${reason}${hint}`, name)] };
  }
}

async function normaliseWithModules(value: unknown, baseDir: string, options: NormaliseOptions): Promise<LoadedConfig> {
  const paths = modulePaths(value, options);
  const problems: Problem[] = [];
  let { extensions } = options;
  for (const [index, path] of paths.entries()) {
    try {
      extensions = joinExtensions(extensions, await loadModules([path], baseDir));
    } catch (error) {
      problems.push({
        ...plainProblem((error as Error).message, options.fileName),
        path: formatPath(["modules", index]),
        ...options.positions?.find(["modules", index], "value"),
      });
    }
  }
  const result = await withFilesChecked(normaliseConfig(value, { ...options, extensions }), baseDir, options);
  const modules = resolveModules(paths, baseDir);
  if (problems.length === 0) return { ...result, baseDir: resolve(baseDir), modules, extensions };
  return { problems: sortProblems([...result.problems, ...problems]), modules, extensions };
}

/** Adds what is to be said about the files that a configuration names; without them it cannot be used. */
async function withFilesChecked(
  result: ConfigResult,
  baseDir: string,
  { fileName, positions }: NormaliseOptions,
): Promise<ConfigResult> {
  if (result.config === undefined) return result;
  const findings = await checkTlsFiles(result.config, baseDir, Date.now());
  if (findings.length === 0) return result;
  const file = fileName === undefined ? {} : { file: fileName };
  const problems = findings.map(({ severity, path, message }): Problem => {
    return { severity, path: formatPath(path), message, ...file, ...positions?.find(path, "value") };
  });
  const all = sortProblems([...result.problems, ...problems]);
  return hasErrors(problems) ? { problems: all } : { ...result, problems: all };
}

/** The modules must be imported before the rest can be checked, for their algorithms and filters stand in it. */
function modulePaths(value: unknown, options: NormaliseOptions): string[] {
  const named: unknown = typeof value === "object" && value !== null && "modules" in value ? value.modules : undefined;
  const list = (Array.isArray(named) ? named : [named]).map((path: unknown) => {
    if (typeof path !== "string" || options.substitution === undefined) return path;
    return substitute(path, options.substitution).value;
  });
  return list.filter((path): path is string => typeof path === "string" && path !== "");
}
