import type { ProbeDefinition } from "../core/health/probe.ts";
import { nearestName } from "./nearest.ts";
import { HealthCheckSchema, type HealthCheckConfig } from "./pool-parts-schema.ts";
import type { ConfigPath } from "./problem.ts";
import { schemaNode } from "./schema-node.ts";
import { isRecord, show, type Conversion, type Normalise, type Visit } from "./visit.ts";

const shared = schemaNode(HealthCheckSchema);

/** `healthCheck: { type: http, path: /health }`, a list of such, or `off`, to `HealthCheckConfig`s with checked settings. */
export const normaliseHealthChecks: Conversion = (_schema, value, path, visit, normalise) => {
  if (value === false || value === "off") return [];
  const list = Array.isArray(value) ? value : [value];
  return Array.from(list, (item: unknown, index) => {
    return normaliseCheck(item, Array.isArray(value) ? [...path, index] : path, visit, normalise);
  }).filter((check) => check !== undefined);
};

function normaliseCheck(
  item: unknown,
  path: ConfigPath,
  visit: Visit,
  normalise: Normalise,
): HealthCheckConfig | undefined {
  const given = typeof item === "string" ? { type: item } : item;
  if (!isRecord(given) || typeof given.type !== "string") {
    visit.error(path, `must be a health check with \`type\`, not ${show(item, path, visit)}`);
    return undefined;
  }
  const { type, settings, ...rest } = given;
  const probe = visit.extensions.probes?.find(({ name }) => name === type);
  if (probe === undefined) {
    visit.error(typeof item === "string" ? path : [...path, "type"], unknownType(type as string, visit));
    return undefined;
  }
  const own = schemaNode(probe.schema);
  // The normalised form has the settings of the type in an object of their own.
  const nested = isRecord(settings) && own.properties?.settings === undefined;
  const merged = nested ? { ...settings, ...rest } : rest;
  const known = Object.keys(shared.properties ?? {});
  const all = normalise(
    {
      ...own,
      type: "object",
      properties: { ...shared.properties, ...own.properties },
      required: [...(shared.required ?? []), ...(own.required ?? [])],
    },
    merged,
    path,
    visit,
  );
  if (!isRecord(all)) return undefined;
  const entries = Object.entries(all);
  return {
    type,
    ...Object.fromEntries(entries.filter(([key]) => known.includes(key))),
    settings: Object.fromEntries(entries.filter(([key]) => !known.includes(key))),
  } as HealthCheckConfig;
}

function unknownType(type: string, visit: Visit): string {
  const known = (visit.extensions.probes ?? []).map((probe: ProbeDefinition) => probe.name);
  const near = nearestName(type, known);
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  return `"${type.slice(0, 60)}" is not a type of health check${hint} (known: ${known.join(", ") || "none"})`;
}
