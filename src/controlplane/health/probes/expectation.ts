import { Type } from "typebox";
import { Text } from "../../../config/fields.ts";

/** The settings of checks that send bytes and look for some in the answer. */
export const expectationFields = {
  send: Type.Optional(Type.String({ maxLength: 2000, description: "text that is sent" })),
  sendHex: Type.Optional(hex("bytes that are sent, as hexadecimal digits")),
  expect: Type.Optional(Type.String({ minLength: 1, maxLength: 2000, description: "text that the answer must hold" })),
  expectHex: Type.Optional(hex("bytes that the answer must hold, as hexadecimal digits")),
  expectPattern: Type.Optional(Text("regex", "regular expression that the answer must match (bytes read as latin1)")),
};

function hex(description: string) {
  return Type.String({ "x-check": "hexBytes", maxLength: 6000, description });
}

export interface ExpectationSettings {
  readonly send?: string | undefined;
  readonly sendHex?: string | undefined;
  readonly expect?: string | undefined;
  readonly expectHex?: string | undefined;
  readonly expectPattern?: string | undefined;
}

/** What to send, and what to look for in the answer. */
export interface Expectation {
  readonly sent: Buffer | undefined;
  /** Whether the answer holds what is wanted; undefined when nothing is expected. */
  readonly isMet: ((answer: Buffer) => boolean) | undefined;
  /** What is expected, for a reason. */
  readonly wanted: string;
}

const made = new WeakMap<ExpectationSettings, Expectation>();

/** The expectation that settings describe, made once for each. */
export function expectationOf(settings: ExpectationSettings): Expectation {
  let expectation = made.get(settings);
  if (expectation === undefined) made.set(settings, (expectation = makeExpectation(settings)));
  return expectation;
}

function makeExpectation({ send, sendHex, expect, expectHex, expectPattern }: ExpectationSettings): Expectation {
  const sent = send === undefined ? sendHex && bytesOf(sendHex) : Buffer.from(send);
  if (expectPattern !== undefined) {
    const pattern = new RegExp(expectPattern);
    return {
      sent: sent || undefined,
      isMet: (answer) => pattern.test(answer.toString("latin1")),
      wanted: expectPattern,
    };
  }
  const bytes = expect === undefined ? expectHex && bytesOf(expectHex) : Buffer.from(expect);
  if (!bytes) return { sent: sent || undefined, isMet: undefined, wanted: "" };
  const wanted =
    expect === undefined ? `bytes ${bytes.toString("hex").slice(0, 60)}` : JSON.stringify(expect.slice(0, 60));
  return { sent: sent || undefined, isMet: (answer) => answer.includes(bytes), wanted };
}

function bytesOf(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(" ", ""), "hex");
}

/** Why settings make no sense together; see `ProbeDefinition.problem`. */
export function expectationProblem(settings: ExpectationSettings): string | undefined {
  const { send, sendHex, expect, expectHex, expectPattern } = settings;
  if (send !== undefined && sendHex !== undefined) return "`send` and `sendHex` exclude each other";
  const given = [expect, expectHex, expectPattern].filter((value) => value !== undefined);
  return given.length > 1 ? "only one of `expect`, `expectHex` and `expectPattern` is possible" : undefined;
}
