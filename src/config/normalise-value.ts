import { conversions } from "./conversions.ts";
import { nearestName } from "./nearest.ts";
import type { ConfigPath } from "./problem.ts";
import { describeSchema, hasDefault, recordValues, type SchemaNode } from "./schema-node.ts";
import { textChecks } from "./text-checks.ts";
import { isRecord, show, type Visit } from "./visit.ts";

/**
 * Checks a value against an annotated schema and returns its normalised form: defaults filled in, conversions done.
 * What is not allowed is reported and left out, so that the rest is checked as well.
 */
export function normaliseValue(schema: SchemaNode, value: unknown, path: ConfigPath, visit: Visit): unknown {
  const conversion = schema["x-evenkeel"];
  if (conversion !== undefined) return conversions[conversion](schema, value, path, visit, normaliseValue);
  if (schema.const !== undefined) return checkChoice(schema, [schema.const], value, path, visit);
  if (schema.enum !== undefined) return checkChoice(schema, schema.enum, value, path, visit);
  if (schema.anyOf !== undefined) return normaliseUnion(schema, schema.anyOf, value, path, visit);
  switch (schema.type) {
    case "object":
      return normaliseObject(schema, value, path, visit);
    case "array":
      return normaliseArray(schema, value, path, visit);
    case "string":
      return checkText(schema, value, path, visit);
    case "integer":
    case "number":
      return checkNumber(schema, value, path, visit);
    case "boolean":
      return checkBoolean(schema, value, path, visit);
    default:
      return value;
  }
}

function mistake(schema: SchemaNode, value: unknown, path: ConfigPath, visit: Visit): undefined {
  const isOff = value === false || value === "off";
  const off = isOff && schema["x-off"] !== undefined ? `; ${schema["x-off"]} turns it off` : "";
  const hint = schema.type === "string" && isPlain(value) ? ` (put it in quotes)` : off;
  visit.error(path, `must be ${describeSchema(schema)}, not ${show(value, path, visit, schema)}${hint}`);
  return undefined;
}

function isPlain(value: unknown): boolean {
  return typeof value === "number" || typeof value === "boolean";
}

function checkChoice(schema: SchemaNode, allowed: readonly unknown[], value: unknown, path: ConfigPath, visit: Visit) {
  const index = allowed.findIndex((choice) => choice === value || (visit.isReplaced(path) && String(choice) === value));
  if (index !== -1) return allowed[index];
  if (typeof value === "string" && schema["x-planned-values"]?.includes(value)) {
    visit.error(path, `"${value}" is not available in this version yet; it must be ${describeSchema(schema)}`);
    return undefined;
  }
  return mistake(schema, value, path, visit);
}

function normaliseUnion(
  schema: SchemaNode,
  branches: readonly SchemaNode[],
  value: unknown,
  path: ConfigPath,
  visit: Visit,
) {
  let closest: (() => void)[] | undefined;
  for (const branch of branches) {
    const reports: (() => void)[] = [];
    const trial: Visit = {
      ...visit,
      error: (...report) => void reports.push(() => visit.error(...report)),
      warn: (...report) => void reports.push(() => visit.warn(...report)),
    };
    let failed = false;
    const result = normaliseValue(branch, value, path, {
      ...trial,
      error: (...report) => ((failed = true), trial.error(...report)),
    });
    if (!failed) {
      for (const report of reports) report();
      return result;
    }
    const isSameKind = branch.type === (Array.isArray(value) ? "array" : typeof value);
    if (isSameKind && typeof value === "object") closest ??= reports;
  }
  if (closest === undefined) return mistake(schema, value, path, visit);
  for (const report of closest) report();
  return undefined;
}

function normaliseObject(schema: SchemaNode, value: unknown, path: ConfigPath, visit: Visit) {
  if (!isRecord(value)) return mistake(schema, value, path, visit);
  if (schema.properties === undefined) return normaliseRecord(schema, value, path, visit);
  const result: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(schema.properties)) {
    const given = Object.hasOwn(value, key) ? value[key] : undefined;
    const normalised = normaliseProperty(
      property,
      given,
      schema.required?.includes(key) ?? false,
      [...path, key],
      visit,
    );
    if (normalised !== undefined) result[key] = normalised;
  }
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(schema.properties, key)) continue;
    if (schema.additionalProperties === true) result[key] = value[key];
    else reportUnknownKey(schema, key, path, visit);
  }
  return result;
}

/** An empty value (`upstream:` with nothing behind it) counts as absent. */
function normaliseProperty(schema: SchemaNode, value: unknown, required: boolean, path: ConfigPath, visit: Visit) {
  if (value !== undefined && value !== null) return normaliseValue(schema, value, path, visit);
  if (schema.default !== undefined) return normaliseValue(schema, structuredClone(schema.default), path, visit);
  if (!required) return undefined;
  if (hasDefault(schema)) return normaliseValue(schema, {}, path, visit);
  const name = String(path[path.length - 1]);
  visit.error(path.slice(0, -1), `"${name}" is missing: ${schema.description ?? describeSchema(schema)}`, "key");
  return undefined;
}

function reportUnknownKey(schema: SchemaNode, key: string, path: ConfigPath, visit: Visit): void {
  const here = [...path, key];
  if (schema["x-planned"]?.includes(key)) {
    visit.error(here, "not available in this version yet", "key");
    return;
  }
  const known = Object.keys(schema.properties ?? {});
  const near = nearestName(key, known);
  const hint = near === undefined ? `allowed are ${known.join(", ")}` : `did you mean "${near}"?`;
  visit.error(here, known.length === 0 ? "unknown key; there are no settings here" : `unknown key; ${hint}`, "key");
}

function normaliseRecord(schema: SchemaNode, value: Record<string, unknown>, path: ConfigPath, visit: Visit) {
  const values = recordValues(schema);
  const check = schema["x-key-check"];
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const here = [...path, key];
    const reason = key === "__proto__" ? "this key is not allowed" : check && textChecks[check](key);
    if (reason !== undefined) visit.error(here, reason, "key");
    if (key === "__proto__") continue;
    const normalised = values === undefined ? item : normaliseItem(values, item, here, visit);
    if (normalised !== undefined) result[key] = normalised;
  }
  return result;
}

function normaliseArray(schema: SchemaNode, value: unknown, path: ConfigPath, visit: Visit) {
  if (!Array.isArray(value)) return mistake(schema, value, path, visit);
  const { minItems = 0, maxItems = Infinity, items } = schema;
  if (value.length < minItems)
    visit.error(path, `must have at least ${minItems} ${minItems === 1 ? "entry" : "entries"}`);
  if (value.length > maxItems) visit.error(path, `must have at most ${maxItems} entries`);
  if (items === undefined) return value;
  return Array.from(value, (item, index) => normaliseItem(items, item, [...path, index], visit));
}

/** An entry of a list or record; an empty one takes the defaults where there are some for everything. */
function normaliseItem(schema: SchemaNode, value: unknown, path: ConfigPath, visit: Visit) {
  const isEmpty = value === null || value === undefined;
  return normaliseValue(schema, isEmpty && schema.type === "object" ? {} : (value ?? null), path, visit);
}

function checkText(schema: SchemaNode, value: unknown, path: ConfigPath, visit: Visit) {
  if (typeof value !== "string") return mistake(schema, value, path, visit);
  const { minLength = 0, maxLength = Infinity, pattern } = schema;
  const check = schema["x-check"];
  const shown = show(value, path, visit, schema);
  const length = [...value].length;
  if (length < minLength)
    visit.error(path, length === 0 ? "must not be empty" : `must have at least ${minLength} characters`);
  else if (length > maxLength) visit.error(path, `must have at most ${maxLength} characters`);
  else if (pattern !== undefined && !new RegExp(pattern, "u").test(value))
    visit.error(path, `${shown} does not match ${pattern}`);
  else {
    const reason = check && textChecks[check](value);
    if (reason === undefined) return value;
    const isHidden = visit.isReplaced(path) || schema["x-secret"] === true;
    visit.error(path, isHidden ? `not allowed: ${withoutQuotes(reason)}` : `${shown}: ${reason}`);
  }
  return undefined;
}

/** A reason without the pieces of the value that it quotes: they may be a secret. */
function withoutQuotes(reason: string): string {
  return reason.replaceAll(/"[^"]*"/g, "the given value");
}

function checkNumber(schema: SchemaNode, value: unknown, path: ConfigPath, visit: Visit) {
  const isNumeral = typeof value === "string" && visit.isReplaced(path) && /^-?\d+(\.\d+)?$/.test(value.trim());
  const number = isNumeral ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) return mistake(schema, value, path, visit);
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
  const isInRange = number >= minimum && number <= maximum && number > exclusiveMinimum && number < exclusiveMaximum;
  if (!isInRange || (schema.type === "integer" && !Number.isSafeInteger(number)))
    return mistake(schema, value, path, visit);
  return number;
}

function checkBoolean(schema: SchemaNode, value: unknown, path: ConfigPath, visit: Visit) {
  if (typeof value === "boolean") return value;
  if (visit.isReplaced(path) && (value === "true" || value === "false")) return value === "true";
  return mistake(schema, value, path, visit);
}
