import type { BalancingAlgorithm } from "../core/balancing/balancer.ts";
import type { DiscoveryDefinition } from "../core/discovery/discovery.ts";
import type { FilterDefinition } from "../core/filtering/filter.ts";
import type { ProbeDefinition } from "../core/health/probe.ts";
import type { Extensions } from "./extensions.ts";
import { HealthCheckSchema } from "./pool-parts-schema.ts";
import { ConfigSchema } from "./schema.ts";
import { hasDefault, schemaNode, type SchemaNode } from "./schema-node.ts";

type JsonSchema = Record<string, unknown>;

const HASH_KEY = {
  type: "string",
  default: "client",
  pattern: "^(client|host|path|uri|(header|cookie|query):.+)$",
  description: "where the hash key comes from: client, host, path, uri, header:NAME, cookie:NAME, query:NAME",
};

/**
 * JSON Schema (draft 2020-12) of what people may write: short forms and left-out defaults are valid. For editors and
 * `evenkeel schema`. Texts that `${…}` replaces are checked only when the configuration is loaded, and so is what one
 * part says about another (that a pool exists).
 */
export function configJsonSchema(extensions: Extensions): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Evenkeel configuration",
    ...convert(schemaNode(ConfigSchema), extensions),
  };
}

function convert(schema: SchemaNode, extensions: Extensions): JsonSchema {
  const notes = {
    ...(schema.description === undefined ? {} : { description: schema.description }),
    ...(schema.default === undefined ? {} : { default: schema.default }),
  };
  switch (schema["x-evenkeel"]) {
    case "server":
      return { ...notes, anyOf: [{ type: "string", minLength: 1 }, convertPlain(schema, extensions)] };
    case "algorithm":
      return { ...notes, anyOf: algorithmForms(extensions) };
    case "filters":
      return {
        ...notes,
        type: "array",
        items: { anyOf: extensions.filters.flatMap((filter) => filterForms(filter, extensions)) },
      };
    case "healthChecks": {
      const check = oneOfThese((extensions.probes ?? []).flatMap((probe) => probeForms(probe, extensions)));
      return { ...notes, anyOf: [{ enum: [false, "off"] }, check, { type: "array", items: check }] };
    }
    case "discovery":
      return {
        ...notes,
        ...oneOfThese((extensions.discoveries ?? []).map((source) => typedObject(source, {}, extensions))),
      };
    case "slowStart": {
      const { description: _, ...object } = convertPlain(schema, extensions);
      return { ...notes, anyOf: [...(schema.properties?.window?.anyOf ?? []), object] };
    }
    default:
      return convertPlain(schema, extensions);
  }
}

/** Keyword by keyword, without Evenkeel's own ones; `required` keeps only what has no default. */
function convertPlain(schema: SchemaNode, extensions: Extensions): JsonSchema {
  const result: JsonSchema = {};
  const convertAll = (schemas: Readonly<Record<string, SchemaNode>>) =>
    Object.fromEntries(Object.entries(schemas).map(([key, value]) => [key, convert(value, extensions)]));
  for (const [keyword, value] of Object.entries(schema)) {
    if (!keyword.startsWith("x-") && !keyword.startsWith("~")) result[keyword] = value;
  }
  if (schema.properties !== undefined) result.properties = convertAll(schema.properties);
  if (schema.patternProperties !== undefined) result.patternProperties = convertAll(schema.patternProperties);
  if (typeof schema.additionalProperties === "object")
    result.additionalProperties = convert(schema.additionalProperties, extensions);
  // Normalisation is strict unless a schema says otherwise.
  if (schema.properties !== undefined) result.additionalProperties ??= false;
  if (schema.items !== undefined) result.items = convert(schema.items, extensions);
  if (schema.anyOf !== undefined) result.anyOf = schema.anyOf.map((branch) => convert(branch, extensions));
  const required = schema.required?.filter((name) => !hasDefault(schema.properties?.[name] ?? {})) ?? [];
  if (required.length > 0) result.required = required;
  else delete result.required;
  return result;
}

function algorithmForms(extensions: Extensions): JsonSchema[] {
  const { algorithms } = extensions;
  const byName = algorithms.filter((algorithm) => settingsAreOptional(algorithm.schema));
  const names = byName.flatMap((algorithm) => [algorithm.name, ...(algorithm.aliases ?? [])]);
  return [{ enum: names }, ...algorithms.map((algorithm) => algorithmObject(algorithm, extensions))];
}

function algorithmObject(algorithm: BalancingAlgorithm, extensions: Extensions): JsonSchema {
  const { default: _, ...settings } = convertPlain(schemaNode(algorithm.schema), extensions);
  const name = { enum: [algorithm.name, ...(algorithm.aliases ?? [])], description: algorithm.summary };
  return {
    ...settings,
    type: "object",
    description: algorithm.summary,
    properties: { name, key: HASH_KEY, ...(settings.properties as JsonSchema | undefined) },
    required: ["name", ...((settings.required as string[] | undefined) ?? [])],
    additionalProperties: settings.additionalProperties ?? false,
  };
}

function filterForms(filter: FilterDefinition, extensions: Extensions): JsonSchema[] {
  const settings = convert(schemaNode(filter.schema), extensions);
  const long = {
    type: "object",
    description: filter.summary,
    properties: { [filter.name]: settings },
    required: [filter.name],
    additionalProperties: false,
  };
  return settingsAreOptional(filter.schema) ? [{ const: filter.name, description: filter.summary }, long] : [long];
}

function probeForms(probe: ProbeDefinition, extensions: Extensions): JsonSchema[] {
  const { properties } = convertPlain(schemaNode(HealthCheckSchema), extensions);
  const long = typedObject(probe, properties as JsonSchema, extensions);
  return settingsAreOptional(probe.schema) ? [{ const: probe.name, description: probe.summary }, long] : [long];
}

/** An object with `type`, the settings of that type, and the shared ones. */
function typedObject(
  entry: ProbeDefinition | DiscoveryDefinition,
  shared: JsonSchema,
  extensions: Extensions,
): JsonSchema {
  const { default: _, ...settings } = convertPlain(schemaNode(entry.schema), extensions);
  return {
    ...settings,
    type: "object",
    description: entry.summary,
    properties: { type: { const: entry.name }, ...shared, ...(settings.properties as JsonSchema | undefined) },
    required: ["type", ...((settings.required as string[] | undefined) ?? [])],
    additionalProperties: settings.additionalProperties ?? false,
  };
}

/** `anyOf` must not be empty: where there is nothing to choose from, nothing is allowed. */
function oneOfThese(forms: readonly JsonSchema[]): JsonSchema {
  return forms.length === 0 ? { not: {} } : { anyOf: forms };
}

function settingsAreOptional(schema: BalancingAlgorithm["schema"]): boolean {
  return hasDefault(schemaNode(schema));
}
