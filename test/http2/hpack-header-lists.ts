import * as fc from "fast-check";
import { FieldList } from "../../src/http2/field-list.ts";
import type { HpackDecoder } from "../../src/http2/hpack/decoder.ts";

/** A header list: names and values. */
export type HeaderList = [name: string, value: string][];

const NAMES = [
  "accept",
  "accept-encoding",
  "access-control-allow-origin",
  "authorization",
  "cache-control",
  "content-length",
  "content-type",
  "cookie",
  "date",
  "etag",
  "grpc-status",
  "link",
  "proxy-authorization",
  "server",
  "set-cookie",
  "traceparent",
  "user-agent",
  "vary",
  "x-forwarded-for",
  "x-request-id",
];

function textOf(characters: string, constraints: fc.StringConstraints): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...characters), ...constraints });
}

const visible = String.fromCharCode(...Array.from({ length: 94 }, (_, i) => i + 33));
const token = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";

/** Few names and values, so that many repeat, and some of any kind. */
export const fieldName: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: textOf(token, { minLength: 1, maxLength: 30 }).map((text) => `x${text}`) },
);

/** Values of visible characters, with spaces inside. */
export const fieldValue: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("a", "gzip, deflate", "0", "text/html; charset=utf-8", "") },
  { weight: 2, arbitrary: textOf(visible, { maxLength: 60 }) },
  { weight: 1, arbitrary: textOf(visible, { minLength: 100, maxLength: 3000 }) },
  {
    weight: 1,
    arbitrary: fc
      .array(textOf(visible, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 9 })
      .map((words) => words.join(" ")),
  },
);

export const headerList: fc.Arbitrary<HeaderList> = fc.array(fc.tuple(fieldName, fieldValue), { maxLength: 12 });

/** What the decoder reads; throws if it is malformed. */
export function decodeList(decoder: HpackDecoder, block: Buffer): HeaderList {
  const fields = new FieldList();
  const malformed = decoder.decode(block, 0, block.length, fields);
  if (malformed !== null) throw new Error(malformed);
  return fields.fields.slice(0, fields.count).map(({ name, value }) => [name, value]);
}
