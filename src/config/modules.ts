import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { AlgorithmExtension, Extension } from "../core/extension.ts";
import type { Extensions } from "./extensions.ts";
import { provideOwnPackage } from "./own-package.ts";

/** A module could not be used; the message begins with its path. */
export class ModuleError extends Error {
  /** As it stands in the configuration. */
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path}: ${reason}`, options);
    this.name = "ModuleError";
    this.path = path;
  }
}

/** Absolute paths of modules; relative ones start at `baseDir`. */
export function resolveModules(paths: readonly string[], baseDir: string): string[] {
  return paths.map((path) => resolve(baseDir, path));
}

/**
 * Imports modules with own algorithms and filters. Node keeps a module once it was imported: a changed module takes
 * effect after a restart.
 *
 * @throws ModuleError when one cannot be imported or exports something else
 */
export async function loadModules(paths: readonly string[], baseDir: string): Promise<Extensions> {
  const algorithms: AlgorithmExtension[] = [];
  const filters: Extensions["filters"][number][] = [];
  for (const path of paths) {
    for (const extension of await loadModule(path, resolve(baseDir, path))) {
      if (extension.kind === "algorithm") algorithms.push(extension);
      else filters.push(extension);
    }
  }
  return { algorithms, filters };
}

async function loadModule(path: string, absolute: string): Promise<Extension[]> {
  let exported: unknown;
  provideOwnPackage();
  try {
    exported = ((await import(pathToFileURL(absolute).href)) as { default?: unknown }).default;
  } catch (cause) {
    throw new ModuleError(path, `cannot be imported: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  if (exported === undefined) throw new ModuleError(path, "has no default export");
  const list: unknown[] = Array.isArray(exported) ? exported : [exported];
  for (const [index, value] of list.entries()) {
    const reason = extensionProblem(value);
    if (reason === undefined) continue;
    throw new ModuleError(
      path,
      Array.isArray(exported) ? `entry ${index} of the default export ${reason}` : `the default export ${reason}`,
    );
  }
  return list as Extension[];
}

/** Why a value is no extension, or undefined when it is one. */
export function extensionProblem(value: unknown): string | undefined {
  const candidate = value as Partial<Record<string, unknown>> | null;
  if (
    typeof candidate !== "object" ||
    candidate === null ||
    !["algorithm", "filter"].includes(candidate.kind as string)
  ) {
    return "is not made with defineAlgorithm or defineFilter";
  }
  const { kind, name, schema, create } = candidate;
  const names: readonly [RegExp, string] =
    kind === "algorithm" ? [/^[a-z][a-z0-9_]{0,63}$/, "snake_case"] : [/^[a-z][A-Za-z0-9]{0,63}$/, "camelCase"];
  if (typeof name !== "string" || !names[0].test(name)) return `needs a \`name\` in ${names[1]}`;
  if (name === "name" || name === "settings") return `cannot be called "${name}"`;
  if (typeof create !== "function") return "needs a function `create`";
  if (typeof schema !== "object" || schema === null || (schema as { type?: unknown }).type !== "object") {
    return "needs a `schema` that is an object schema (Type.Object)";
  }
  if (kind === "algorithm" && typeof candidate.usesHashKey !== "boolean") return "needs `usesHashKey`: true or false";
  return undefined;
}
