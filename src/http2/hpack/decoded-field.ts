import { FIELD_VALUE, TOKEN } from "../../http1/characters.ts";
import { fieldId } from "../../http1/fields.ts";
import type { Field } from "../field-list.ts";

const EMPTY_NAME = "a field name is empty";
const UPPER_CASE = "a field name has an upper-case letter";
const INVALID_NAME = "a field name is not a token";
const INVALID_VALUE = "a field value has a forbidden byte";
const SPACE_AROUND = "white space stands around a field value";

/** A field as it comes out of HPACK. All have this one shape. */
export class DecodedField implements Field {
  readonly name: string;
  readonly value: string;
  readonly id: number;
  readonly line: string;
  readonly problem: string;

  constructor(name: string, value: string, id: number, problem: string) {
    this.name = name;
    this.value = value;
    this.id = id;
    this.line = name.charCodeAt(0) === 58 ? "" : `${name}: ${value}\r\n`;
    this.problem = problem;
  }
}

/** A field made of two texts; for tables. Fields that are received are made by the decoder, which has bytes. */
export function fieldOf(name: string, value: string): DecodedField {
  const bytes = Buffer.from(name + value, "latin1");
  const problem = nameProblem(bytes, 0, name.length) || valueProblem(bytes, name.length, bytes.length);
  return new DecodedField(name, value, problem === "" ? fieldId(name, 0, name.length) : 0, problem);
}

/** What of RFC 9113 8.2.1 the name bytes[from, to) violates; "" if nothing. */
export function nameProblem(bytes: Uint8Array, from: number, to: number): string {
  let i = from < to && bytes[from] === 58 ? from + 1 : from;
  if (i >= to) return EMPTY_NAME;
  for (; i < to; i++) {
    const byte = bytes[i];
    if (TOKEN[byte] !== 1) return INVALID_NAME;
    if (byte >= 65 && byte <= 90) return UPPER_CASE;
  }
  return "";
}

/** What of RFC 9113 8.2.1 and RFC 9110 5.5 the value bytes[from, to) violates; "" if nothing. */
export function valueProblem(bytes: Uint8Array, from: number, to: number): string {
  if (from === to) return "";
  if (isSpace(bytes[from]) || isSpace(bytes[to - 1])) return SPACE_AROUND;
  for (let i = from; i < to; i++) if (FIELD_VALUE[bytes[i]] !== 1) return INVALID_VALUE;
  return "";
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 9;
}
