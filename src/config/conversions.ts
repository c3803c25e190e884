import { normaliseAlgorithm } from "./algorithm-settings.ts";
import { normaliseDiscovery } from "./discovery-settings.ts";
import { normaliseFilters } from "./filter-settings.ts";
import { normaliseHealthChecks } from "./health-check-settings.ts";
import type { ConfigPath } from "./problem.ts";
import { describeSchema, type SchemaNode } from "./schema-node.ts";
import { MAX_DURATION, parseDuration, parseShare, parseSize } from "./units.ts";
import { show, type Conversion, type Visit } from "./visit.ts";

/** From what people write to what the program works with, by the name in `x-evenkeel`. */
export const conversions: Readonly<Record<NonNullable<SchemaNode["x-evenkeel"]>, Conversion>> = {
  duration(schema, value, path, visit) {
    const result = parseDuration(value);
    if (result === undefined) return refuse(schema, value, path, visit);
    const limits = schema.anyOf?.find((branch) => branch.type === "number");
    const least = limits?.minimum ?? 0;
    const most = limits?.maximum ?? MAX_DURATION;
    if (result < least) {
      visit.error(path, 'must be above 0, for 0 would mean "at once"; a time such as "1d" is as good as no limit');
      return undefined;
    }
    if (result <= most) return result;
    visit.error(path, `longer than the longest possible duration, ${Math.floor(most / 86_400_000)}d`);
    return undefined;
  },

  size(schema, value, path, visit) {
    const result = parseSize(value);
    return result !== undefined && Number.isSafeInteger(result) ? result : refuse(schema, value, path, visit);
  },

  list(schema, value, path, visit, normalise) {
    const list = schema.anyOf?.find((branch) => branch.type === "array") ?? { type: "array" };
    if (typeof value !== "string" && !Array.isArray(value)) return refuse(schema, value, path, visit);
    const result = normalise(list, Array.isArray(value) ? value : [value], path, placeOfOne(visit, path, value));
    return (result as unknown[]).filter((entry) => entry !== undefined);
  },

  server(schema, value, path, visit, normalise) {
    if (typeof value === "string") {
      return normalise(withoutConversion(schema), { address: value }, path, placeOfOne(visit, path, value));
    }
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? normalise(withoutConversion(schema), value, path, visit)
      : refuse(schema, value, path, visit);
  },

  workers(schema, value, path, visit, normalise) {
    if (value === "auto") return 0;
    const number = schema.anyOf?.find((branch) => branch.type === "integer") ?? { type: "integer" };
    const isNumber = typeof value === "number" || (visit.isReplaced(path) && value !== "");
    return isNumber ? normalise(number, value, path, visit) : refuse(schema, value, path, visit);
  },

  share(schema, value, path, visit) {
    return parseShare(value) ?? refuse(schema, value, path, visit);
  },

  switchable(schema, value, path, visit, normalise) {
    if (value === false || value === "off") return false;
    const object = schema.anyOf?.find((branch) => branch.type === "object");
    return object !== undefined && typeof value === "object" && value !== null && !Array.isArray(value)
      ? normalise(object, value, path, visit)
      : refuse(schema, value, path, visit);
  },

  slowStart(schema, value, path, visit, normalise) {
    const object = typeof value === "string" || typeof value === "number" ? { window: value } : value;
    const short = object === value ? visit : placeOfOne(visit, path, value);
    return normalise(withoutConversion(schema), object, path, short);
  },

  algorithm: normaliseAlgorithm,
  healthChecks: normaliseHealthChecks,
  discovery: normaliseDiscovery,
  filters: normaliseFilters,
};

function refuse(schema: SchemaNode, value: unknown, path: ConfigPath, visit: Visit): undefined {
  visit.error(path, `must be ${describeSchema(schema)}, not ${show(value, path, visit, schema)}`);
  return undefined;
}

function withoutConversion(schema: SchemaNode): SchemaNode {
  const { "x-evenkeel": _, ...rest } = schema;
  return rest;
}

/** A short form's text stands for a value one level deeper: that one came out of a substitution if the text did. */
function placeOfOne(visit: Visit, path: ConfigPath, value: unknown): Visit {
  if (Array.isArray(value) || !visit.isReplaced(path)) return visit;
  return { ...visit, isReplaced: () => true };
}
