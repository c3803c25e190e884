import { Type } from "typebox";

/*
 * Building blocks of the schema. A field's static type is the value that the program works with (milliseconds,
 * bytes); its JSON Schema describes what people may write; `x-evenkeel` names the conversion between the two, which
 * normalisation applies (normalise.ts).
 */

/** A duration: "250ms", "5s", "30m", "1h", "1d", or a number of milliseconds. The value is in milliseconds. */
export function duration(defaultText: string, description: string) {
  return Type.Unsafe<number>({ ...durationSchema, default: defaultText, description });
}

/** A size: "64KiB", "10MB", or a number of bytes. The value is in bytes. */
export function size(defaultText: string, description: string) {
  return Type.Unsafe<number>({ ...sizeSchema, default: defaultText, description });
}

const durationSchema = {
  "x-evenkeel": "duration",
  anyOf: [
    { type: "number", minimum: 0 },
    { type: "string", pattern: "^\\d+(\\.\\d+)?(ms|s|m|h|d)$" },
  ],
};

const sizeSchema = {
  "x-evenkeel": "size",
  anyOf: [
    { type: "integer", minimum: 0 },
    { type: "string", pattern: "^\\d+(\\.\\d+)?(B|kB|KB|MB|GB|KiB|MiB|GiB)$" },
  ],
};

/** One string or a list of them; the value is always a list. */
export function stringList(description: string, options: { default?: string[]; minItems?: number } = {}) {
  return Type.Unsafe<string[]>({
    "x-evenkeel": "list",
    anyOf: [{ type: "string" }, { type: "array", items: { type: "string" }, ...options }],
    ...(options.default === undefined ? {} : { default: options.default }),
    description,
  });
}
