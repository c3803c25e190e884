import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Extension } from "../core/extension.ts";
import type { Extensions } from "./extensions.ts";
import { provideOwnPackage } from "./own-package.ts";
import type { SchemaNode } from "./schema-node.ts";
import { namesSecret } from "./secret-names.ts";

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
 * Imports modules with own extensions. Node keeps a module once it was imported: a changed module takes
 * effect after a restart.
 *
 * @throws ModuleError when one cannot be imported or exports something else
 */
export async function loadModules(paths: readonly string[], baseDir: string): Promise<Extensions> {
  const found: Extension[] = [];
  for (const path of paths) found.push(...(await loadModule(path, resolve(baseDir, path))));
  return {
    algorithms: found.filter((extension) => extension.kind === "algorithm"),
    filters: found.filter((extension) => extension.kind === "filter"),
    probes: found.filter((extension) => extension.kind === "probe"),
    discoveries: found.filter((extension) => extension.kind === "discovery"),
  };
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

interface Rules {
  readonly pattern: RegExp;
  readonly style: string;
  /** The function that it must have. */
  readonly method: string;
  /** Names that would be ambiguous where it is used. */
  readonly reserved: readonly string[];
}

const filterRules = { pattern: /^[a-z][A-Za-z0-9]{0,63}$/, style: "camelCase", reserved: ["name", "settings"] };
const snakeCase = {
  pattern: /^[a-z][a-z0-9_]{0,63}$/,
  style: "snake_case",
  reserved: ["name", "settings", "type", "off"],
};
const kinds: Readonly<Record<string, Rules>> = {
  algorithm: { ...snakeCase, method: "create" },
  filter: { ...filterRules, method: "create" },
  probe: { ...snakeCase, method: "run" },
  discovery: { ...snakeCase, method: "watch" },
};

/** Why a value is no extension, or undefined when it is one. */
export function extensionProblem(value: unknown): string | undefined {
  const candidate = value as Partial<Record<string, unknown>> | null;
  const kind = typeof candidate === "object" && candidate !== null ? candidate.kind : undefined;
  if (candidate === null || typeof kind !== "string" || !Object.hasOwn(kinds, kind)) {
    return "is not made with defineAlgorithm, defineFilter, defineProbe or defineDiscovery";
  }
  const rules = kinds[kind]!;
  const { name, schema } = candidate;
  if (typeof name !== "string" || !rules.pattern.test(name)) return `needs a \`name\` in ${rules.style}`;
  if (rules.reserved.includes(name)) return `cannot be called "${name}"`;
  if (typeof candidate[rules.method] !== "function") return `needs a function \`${rules.method}\``;
  if (typeof schema !== "object" || schema === null || (schema as { type?: unknown }).type !== "object") {
    return "needs a `schema` that is an object schema (Type.Object)";
  }
  const hidden = Object.entries((schema as SchemaNode).properties ?? {}).find(
    ([key, property]) => property["x-secret"] === true && !namesSecret(key),
  );
  if (hidden !== undefined) {
    return `has a secret setting \`${hidden[0]}\`; only a name such as password, token or secret keeps it from being shown`;
  }
  if (kind === "algorithm" && typeof candidate.usesHashKey !== "boolean") return "needs `usesHashKey`: true or false";
  return undefined;
}
