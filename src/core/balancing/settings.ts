import { Type, type TObject, type TProperties } from "typebox";

/*
 * Building blocks for the algorithms' own settings. Durations carry the annotation that configuration loading
 * understands ("250ms", "5s" … become milliseconds); the defaults are already in the unit that the code works with.
 */

/** The settings of one algorithm: an object that refuses unknown keys and whose absence means all defaults. */
export function settings<Properties extends TProperties>(properties: Properties): TObject<Properties> {
  return Type.Object(properties, { additionalProperties: false, default: {} });
}

/** The schema of an algorithm that has nothing to set. */
export const noSettings = settings({});

/** A duration; the value that the algorithm gets is in milliseconds. */
export function milliseconds(defaultValue: number, description: string) {
  return Type.Unsafe<number>({
    "x-evenkeel": "duration",
    anyOf: [
      { type: "number", minimum: 0 },
      { type: "string", pattern: "^\\d+(\\.\\d+)?(ms|s|m|h|d)$" },
    ],
    default: defaultValue,
    description,
  });
}

/** A number within bounds (both included). */
export function number(defaultValue: number, minimum: number, maximum: number, description: string) {
  return Type.Number({ default: defaultValue, minimum, maximum, description });
}

/** A whole number within bounds (both included). */
export function integer(defaultValue: number, minimum: number, maximum: number, description: string) {
  return Type.Integer({ default: defaultValue, minimum, maximum, description });
}
