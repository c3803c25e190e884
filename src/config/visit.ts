import type { Extensions } from "./extensions.ts";
import type { ConfigPath } from "./problem.ts";
import type { SchemaNode } from "./schema-node.ts";

/** What normalisation of one value needs to know, and where it reports to. */
export interface Visit {
  readonly extensions: Extensions;
  /** True for a text that came out of a substitution: it may stand for a number or a boolean, and is never shown. */
  isReplaced(path: ConfigPath): boolean;
  /** Reports an error at the value, or at its key. */
  error(path: ConfigPath, message: string, part?: "key" | "value"): void;
  warn(path: ConfigPath, message: string, part?: "key" | "value"): void;
}

/** Normalises `value` by `schema`; undefined when it is not allowed (which was reported). */
export type Normalise = (schema: SchemaNode, value: unknown, path: ConfigPath, visit: Visit) => unknown;

/** A conversion named by `x-evenkeel`. */
export type Conversion = (
  schema: SchemaNode,
  value: unknown,
  path: ConfigPath,
  visit: Visit,
  normalise: Normalise,
) => unknown;

/** True for an object whose entries are settings: no list, Date, Map or class instance. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value for a message: short, on one line, and hidden when it may be a secret. */
export function show(value: unknown, path: ConfigPath, visit: Visit, schema: SchemaNode = {}): string {
  if (schema["x-secret"] === true || visit.isReplaced(path)) return "the given value";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
