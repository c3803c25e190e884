import { Type, type Static, type TSchema } from "typebox";
import type { TextCheck } from "./text-checks.ts";
import { DURATION_PATTERN, MAX_DURATION, SHARE_PATTERN, SIZE_PATTERN } from "./units.ts";

/*
 * Building blocks of the schema. A field's static type is the value that the program works with (milliseconds,
 * bytes); its JSON Schema describes what people may write; `x-evenkeel` names the conversion between the two, which
 * normalisation applies (normalise.ts). `x-check` names a rule for a text that JSON Schema cannot say.
 */

/**
 * A duration: "250ms", "5s", "30m", "1h", "1d", or a number of milliseconds. The value is in whole milliseconds.
 *
 * @param maximum may be above the usual one for what no single timer waits for
 */
export function duration(defaultText: string, description: string, minimum = 0, maximum = MAX_DURATION) {
  return Type.Unsafe<number>({
    "x-evenkeel": "duration",
    anyOf: [
      { type: "number", minimum, maximum },
      { type: "string", pattern: DURATION_PATTERN },
    ],
    default: defaultText,
    description,
  });
}

/** A duration after which something is given up. 0 is refused: elsewhere it means "no limit", here it would mean "at once". */
export function timeout(defaultText: string, description: string) {
  return duration(defaultText, description, 1);
}

/** A size: "64KiB", "10MB", or a number of bytes. The value is in whole bytes. */
export function size(defaultText: string, description: string) {
  return Type.Unsafe<number>({
    "x-evenkeel": "size",
    anyOf: [
      { type: "integer", minimum: 0 },
      { type: "string", pattern: SIZE_PATTERN },
    ],
    default: defaultText,
    description,
  });
}

interface ListOptions {
  readonly default?: readonly string[];
  readonly minItems?: number;
  /** Rule for each entry. */
  readonly check?: TextCheck;
}

/** One string or a list of them; the value is always a list. */
export function stringList(description: string, options: ListOptions = {}) {
  const entry = { type: "string", ...(options.check === undefined ? {} : { "x-check": options.check }) };
  const list = {
    type: "array",
    items: entry,
    ...(options.minItems === undefined ? {} : { minItems: options.minItems }),
  };
  return Type.Unsafe<string[]>({
    "x-evenkeel": "list",
    anyOf: [entry, list],
    ...(options.default === undefined ? {} : { default: options.default }),
    description,
  });
}

/** Options of an object that refuses unknown keys. */
export const strict = { additionalProperties: false } as const;

/** A text with a rule that JSON Schema cannot say. */
export function Text(check: TextCheck, description: string) {
  return Type.String({ minLength: 1, description, "x-check": check });
}

/** The name of a listener, route, pool or zone. */
export function Name(description: string) {
  return Text("name", description);
}

/** True or false. */
export function Flag(defaultValue: boolean, description: string) {
  return Type.Unsafe<boolean>({ type: "boolean", default: defaultValue, description });
}

/** A share: "20%", or a number from 0 to 1. The value is from 0 to 1. */
export function Share(defaultText: string, description: string) {
  return Type.Unsafe<number>({
    "x-evenkeel": "share",
    anyOf: [
      { type: "number", minimum: 0, maximum: 1 },
      { type: "string", pattern: SHARE_PATTERN },
    ],
    default: defaultText,
    description,
  });
}

/** An object that may be turned off as a whole; the value is false then. An empty object turns it on with its defaults. */
export function switchable<Schema extends TSchema>(schema: Schema, defaultValue: object | "off", description: string) {
  return Type.Unsafe<Static<Schema> | false>({
    "x-evenkeel": "switchable",
    anyOf: [schema, { enum: [false, "off"] }],
    default: defaultValue,
    description,
  });
}
