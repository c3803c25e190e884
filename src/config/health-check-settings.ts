import type { ProbeDefinition } from "../core/health/probe.ts";
import { nearestName } from "./nearest.ts";
import { HealthCheckSchema, type HealthCheckConfig } from "./pool-parts-schema.ts";
import type { ConfigPath } from "./problem.ts";
import { looksSlow } from "./regex.ts";
import { schemaNode, type SchemaNode } from "./schema-node.ts";
import { settingsProblem } from "./settings-problem.ts";
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
  if (isRecord(given) && given.type === undefined) {
    visit.error(path, `"type" is missing (${knownTypes(visit)})`);
    return undefined;
  }
  if (!isRecord(given) || typeof given.type !== "string") {
    visit.error(path, `must be a health check with \`type\`, not ${show(item, path, visit)}`);
    return undefined;
  }
  const { type, settings, ...rest } = given;
  const probe = visit.extensions.probes?.find(({ name }) => name === type);
  if (probe === undefined) {
    const typePath = typeof item === "string" ? path : [...path, "type"];
    visit.error(typePath, unknownType(type as string, typePath, visit));
    return undefined;
  }
  // The normalised form has the settings of the type in an object of their own.
  const own = schemaNode(probe.schema);
  const merged = isRecord(settings) ? { ...settings, ...rest } : settings == null ? rest : { ...rest, settings };
  const known = Object.keys(shared.properties ?? {});
  let reported = false;
  const all = normalise(
    {
      ...own,
      type: "object",
      properties: { ...shared.properties, ...own.properties },
      required: [...(shared.required ?? []), ...(own.required ?? [])],
    },
    merged,
    path,
    { ...visit, error: (...report) => ((reported = true), visit.error(...report)) },
  );
  if (!isRecord(all)) return undefined;
  const entries = Object.entries(all);
  const checked = Object.fromEntries(entries.filter(([key]) => !known.includes(key)));
  if (reported) return undefined;
  const reason = settingsProblem(probe, checked);
  if (reason !== undefined) {
    visit.error(path, reason);
    return undefined;
  }
  warnOfSlowPatterns(own, checked, path, visit);
  return {
    type,
    ...Object.fromEntries(entries.filter(([key]) => known.includes(key))),
    settings: checked,
  } as HealthCheckConfig;
}

/** A check runs on the main thread, which an expression that backtracks would stop. */
function warnOfSlowPatterns(own: SchemaNode, settings: Record<string, unknown>, path: ConfigPath, visit: Visit): void {
  for (const [key, schema] of Object.entries(own.properties ?? {})) {
    const value = settings[key];
    if (schema["x-check"] !== "regex" || typeof value !== "string" || !looksSlow(value)) continue;
    visit.warn([...path, key], "a repetition within a repetition may take very long on an answer that does not match");
  }
}

function unknownType(type: string, path: ConfigPath, visit: Visit): string {
  const known = (visit.extensions.probes ?? []).map((probe: ProbeDefinition) => probe.name);
  const near = nearestName(type, known);
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  return `${show(type, path, visit)} is not a type of health check${hint} (${knownTypes(visit)})`;
}

function knownTypes(visit: Visit): string {
  return `known: ${(visit.extensions.probes ?? []).map(({ name }) => name).join(", ") || "none"}`;
}
