import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FieldList } from "../../src/http2/field-list.ts";
import { HpackDecoder } from "../../src/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../src/http2/hpack/encoder.ts";
import { headerList, type HeaderList } from "./hpack-header-lists.ts";

/** Longer and elsewhere: EVENKEEL_FUZZ_CASES, EVENKEEL_FUZZ_SEED. */
const numRuns = Number(process.env["EVENKEEL_FUZZ_CASES"] ?? 3000);
const seed = process.env["EVENKEEL_FUZZ_SEED"];
const parameters = seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };

const MAX_SIZE = 2000;
const MAX_COUNT = 20;
const TABLE_SIZE = 4096;

/** Decodes a block of an attacker; checks that nothing outgrows its limits. Whether the decoder may be used on. */
function attack(decoder: HpackDecoder, block: Buffer): boolean {
  const fields = new FieldList(MAX_SIZE, MAX_COUNT);
  // What stands around the block must not be looked at.
  const around = Buffer.concat([Buffer.from([0x82]), block, Buffer.from([0x40, 0x01, 0x61, 0x01, 0x62])]);
  const malformed = decoder.decode(around, 1, 1 + block.length, fields);
  expect(fields.size).toBeLessThanOrEqual(MAX_SIZE);
  expect(fields.count).toBeLessThanOrEqual(MAX_COUNT);
  expect(fields.fields.length).toBeLessThanOrEqual(MAX_COUNT);
  for (const field of fields.fields) {
    if (field.problem !== "" || field.line === "") continue;
    expect(field.line).toMatch(/^[!#$%&'*+.^_`|~0-9a-z-]+: [^\0\r\n]*\r\n$/);
  }
  if (malformed !== null) expect(malformed).toMatch(/^[a-zA-Z].{10,}$/);
  expect(sizeOfTable(decoder)).toBeLessThanOrEqual(TABLE_SIZE);
  return malformed === null;
}

/** By the indices that are not refused; 4096 bytes have room for 128 entries at most. */
function sizeOfTable(decoder: HpackDecoder): number {
  let size = 0;
  for (let index = 62; index < 62 + 130; index++) {
    const fields = new FieldList();
    const block = index < 127 ? Buffer.from([0x80 | index]) : Buffer.from([0xff, index - 127]);
    if (decoder.decode(block, 0, block.length, fields) !== null) return size;
    size += fields.size;
  }
  return Infinity;
}

function encoded(encoder: HpackEncoder, list: HeaderList): Buffer {
  const lines = list.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  encoder.begin();
  encoder.status(200);
  encoder.lines(lines, 0, lines.length);
  return Buffer.from(encoder.buffer.subarray(0, encoder.length));
}

const randomBlock = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

/** Bytes that have a meaning at the start of a field, and lengths that fit or nearly fit. */
const plausibleBlock = fc
  .array(
    fc.oneof(
      fc.constantFrom(0x80, 0x82, 0xbe, 0xbf, 0xff, 0x40, 0x41, 0x7f, 0x7e, 0x00, 0x0f, 0x10, 0x1f, 0x20, 0x3f, 0x3e),
      fc.constantFrom(0x01, 0x02, 0x03, 0x81, 0x82, 0x83, 0x84, 0x61, 0x41, 0x0a, 0x0d, 0x20),
      fc.nat(255),
    ),
    { maxLength: 60 },
  )
  .map((bytes) => Buffer.from(bytes));

/** One change of some bytes: overwritten, removed, put in, cut off, repeated. */
const mutation = fc.record({
  kind: fc.constantFrom("set", "flip", "remove", "insert", "cut", "repeat"),
  at: fc.nat(10_000),
  byte: fc.nat(255),
});

function mutate(block: Buffer, changes: { kind: string; at: number; byte: number }[]): Buffer {
  let bytes = block;
  for (const { kind, at, byte } of changes) {
    if (bytes.length === 0) return bytes;
    const i = at % bytes.length;
    if (kind === "set" || kind === "flip") {
      bytes = Buffer.from(bytes);
      bytes[i] = kind === "set" ? byte : bytes[i] ^ (1 << (byte % 8));
    } else if (kind === "remove") bytes = Buffer.concat([bytes.subarray(0, i), bytes.subarray(i + 1)]);
    else if (kind === "insert") bytes = Buffer.concat([bytes.subarray(0, i), Buffer.from([byte]), bytes.subarray(i)]);
    else if (kind === "cut") bytes = bytes.subarray(0, i);
    else bytes = Buffer.concat([bytes, bytes.subarray(i)]);
  }
  return bytes;
}

describe("blocks of attackers", () => {
  it("random ones do no harm", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(randomBlock, plausibleBlock), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder(TABLE_SIZE);
        for (const block of blocks) if (!attack(decoder, block)) return;
      }),
      parameters,
    );
  });

  it("changed ones do no harm", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(headerList, fc.array(mutation, { maxLength: 3 })), { minLength: 1, maxLength: 4 }),
        (lists) => {
          const encoder = new HpackEncoder();
          const decoder = new HpackDecoder(TABLE_SIZE);
          for (const [list, changes] of lists) if (!attack(decoder, mutate(encoded(encoder, list), changes))) return;
        },
      ),
      parameters,
    );
  });

  it("each beginning of a block is decoded or malformed, and all of it is decoded", () => {
    fc.assert(
      fc.property(headerList, (list) => {
        const block = encoded(new HpackEncoder(), list);
        for (let end = 0; end < Math.min(block.length, 400); end++)
          attack(new HpackDecoder(TABLE_SIZE), block.subarray(0, end));
        expect(attack(new HpackDecoder(TABLE_SIZE), block)).toBe(true);
      }),
      { ...parameters, numRuns: Math.ceil(numRuns / 60) },
    );
  });

  it("a bomb takes no memory: a megabyte of references to an entry of 4 KB", () => {
    const decoder = new HpackDecoder(TABLE_SIZE);
    const value = Buffer.alloc(4000, 0x78);
    // A length of 4000: 127 and 3873 = 0x21 + 30 * 128.
    expect(attack(decoder, Buffer.concat([Buffer.from([0x40, 0x01, 0x61, 0x7f, 0xa1, 0x1e]), value]))).toBe(true);
    const before = process.memoryUsage().heapUsed;
    expect(attack(decoder, Buffer.alloc(1_000_000, 0xbe))).toBe(true);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000);
  });

  it("a megabyte of literals takes no more than its limits", () => {
    const decoder = new HpackDecoder(TABLE_SIZE);
    const one = Buffer.from([0x40, 0x02, 0x61, 0x62, 0x02, 0x63, 0x64]);
    expect(attack(decoder, Buffer.concat(Array.from({ length: 150_000 }, () => one)))).toBe(true);
    const size = sizeOfTable(decoder);
    expect(size).toBeGreaterThan(TABLE_SIZE - 36);
  });
});
