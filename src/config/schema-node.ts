import type { TSchema } from "typebox";
import type { TextCheck } from "./text-checks.ts";

/** A JSON Schema as normalisation and documentation read it: the keywords that Evenkeel knows, all optional. */
export interface SchemaNode {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly default?: unknown;
  readonly description?: string;
  readonly "x-evenkeel"?:
    | "duration"
    | "size"
    | "share"
    | "list"
    | "server"
    | "algorithm"
    | "filters"
    | "workers"
    | "switchable"
    | "slowStart"
    | "healthChecks"
    | "discovery";
  readonly "x-check"?: TextCheck;
  readonly "x-key-check"?: TextCheck;
  readonly "x-planned"?: readonly string[];
  readonly "x-planned-values"?: readonly string[];
  /** How an object that is always there is turned off, for those who try `off`. */
  readonly "x-off"?: string;
  readonly "x-secret"?: boolean;
}

/** The same object, read as a `SchemaNode`. */
export function schemaNode(schema: TSchema): SchemaNode {
  return schema as SchemaNode;
}

/** The schema of a record's values, or undefined when the schema is not that of a record. */
export function recordValues(schema: SchemaNode): SchemaNode | undefined {
  const patterns = Object.values(schema.patternProperties ?? {});
  if (patterns.length > 0) return patterns[0];
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

/** True when a missing value can be made up from defaults alone. */
export function hasDefault(schema: SchemaNode): boolean {
  if (schema.default !== undefined) return true;
  if (schema.type !== "object" || schema.properties === undefined) return false;
  const { properties } = schema;
  return (schema.required ?? []).every((name) => properties[name] !== undefined && hasDefault(properties[name]));
}

/** "an integer from 1 to 256", "one of a, b": what a schema allows, for messages and documentation. */
export function describeSchema(schema: SchemaNode): string {
  switch (schema["x-evenkeel"]) {
    case "duration":
      return 'a duration such as "250ms", "5s", "30m" or "1h"';
    case "size":
      return 'a size in bytes such as 512, "64KiB" or "10MB"';
    case "list":
      return "a text or a list of texts";
    case "server":
      return 'an address such as "127.0.0.1:9001", or an object with `address`';
    case "algorithm":
      return "the name of an algorithm, or an object with `name`";
    case "filters":
      return "a list of filters";
    case "workers":
      return "auto or an integer from 1 to 256";
    case "share":
      return 'a share such as "20%", or a number from 0 to 1';
    case "switchable":
      return "an object or off";
    case "slowStart":
      return "a duration or an object";
    case "healthChecks":
      return "an object with `type`, or a list of them";
    case "discovery":
      return "an object with `type`";
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return oneOf(schema.enum);
  if (schema.anyOf !== undefined) {
    const constants = schema.anyOf.map((branch) => branch.const);
    if (!constants.includes(undefined)) return oneOf(constants);
    return [...new Set(schema.anyOf.map(describeSchema))].join(" or ");
  }
  switch (schema.type) {
    case "integer":
      return `an integer${range(schema)}`;
    case "number":
      return `a number${range(schema)}`;
    case "boolean":
      return "true or false";
    case "string":
      return "a text";
    case "array":
      return "a list";
    case "object":
      return "an object";
    default:
      return "another value";
  }
}

function oneOf(values: readonly unknown[]): string {
  const texts = values.map(String);
  return texts.length === 1 ? texts[0] : `one of ${texts.join(", ")}`;
}

function range(schema: SchemaNode): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  const parts: string[] = [];
  if (minimum !== undefined) parts.push(` of at least ${minimum}`);
  if (exclusiveMinimum !== undefined) parts.push(` above ${exclusiveMinimum}`);
  if (maximum !== undefined) parts.push(` of at most ${maximum}`);
  if (exclusiveMaximum !== undefined) parts.push(` below ${exclusiveMaximum}`);
  return parts.join(" and");
}
