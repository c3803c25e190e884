import { nearestName } from "./nearest.ts";
import type { ConfigPath } from "./problem.ts";
import type { FilterConfig } from "./schema.ts";
import { hasDefault, schemaNode } from "./schema-node.ts";
import { isRecord, show, type Conversion, type Normalise, type Visit } from "./visit.ts";

/** Filters that later versions will have. */
const PLANNED: readonly string[] = ["rateLimit", "compress", "cache", "waf", "authenticate", "authorise", "mirror"];

/**
 * `- headers: { … }`, `- name`, or the normalised `- { name, settings }` to `FilterConfig`s with checked settings.
 */
export const normaliseFilters: Conversion = (_schema, value, path, visit, normalise): FilterConfig[] | undefined => {
  if (!Array.isArray(value)) {
    const hint = isRecord(value) ? "; put a dash before each" : "";
    visit.error(path, `must be a list of filters, not ${show(value, path, visit)}${hint}`);
    return undefined;
  }
  return Array.from(value, (item, index) => normaliseFilter(item, [...path, index], visit, normalise)).filter(
    (filter) => filter !== undefined,
  );
};

function normaliseFilter(
  item: unknown,
  path: ConfigPath,
  visit: Visit,
  normalise: Normalise,
): FilterConfig | undefined {
  const entry = readEntry(item);
  if (entry === undefined) {
    const hint = isRecord(item) && Object.keys(item).length > 1 ? "; put a dash before each filter" : "";
    visit.error(path, `must be one filter: its name, or its name with settings${hint}`);
    return undefined;
  }
  const { name, settings, key } = entry;
  const filter = visit.extensions.filters.find((candidate) => candidate.name === name);
  const here = key === undefined ? path : [...path, key];
  if (filter === undefined) {
    visit.error(here, unknownFilter(name, visit), "key");
    return undefined;
  }
  const schema = schemaNode(filter.schema);
  const given = settings ?? (schema.default === undefined && hasDefault(schema) ? {} : schema.default);
  return { name, settings: normalise(schema, given ?? {}, here, visit) };
}

interface Entry {
  readonly name: string;
  readonly settings: unknown;
  /** The key under which the settings stand. */
  readonly key: string | undefined;
}

function readEntry(item: unknown): Entry | undefined {
  if (typeof item === "string") return { name: item, settings: undefined, key: undefined };
  if (!isRecord(item)) return undefined;
  const keys = Object.keys(item);
  if (typeof item.name === "string" && keys.every((key) => key === "name" || key === "settings")) {
    return { name: item.name, settings: item.settings, key: "settings" };
  }
  return keys.length === 1 ? { name: keys[0], settings: item[keys[0]], key: keys[0] } : undefined;
}

function unknownFilter(name: string, visit: Visit): string {
  if (PLANNED.includes(name)) return `the filter "${name}" is not available in this version yet`;
  const known = visit.extensions.filters.map((filter) => filter.name);
  const near = nearestName(name, known);
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  return `"${name.slice(0, 60)}" is not a filter${hint} (known: ${known.join(", ") || "none"})`;
}
