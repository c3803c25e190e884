import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FieldList } from "../../src/http2/field-list.ts";
import { HpackDecoder } from "../../src/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../src/http2/hpack/encoder.ts";
import { decodeHuffman, maxDecodedLength } from "../../src/http2/hpack/huffman-decoder.ts";
import { encodeHuffman, huffmanLength } from "../../src/http2/hpack/huffman-encoder.ts";
import { decodeList, fieldName, fieldValue, headerList, type HeaderList } from "./hpack-header-lists.ts";

function block(encoder: HpackEncoder): Buffer {
  return Buffer.from(encoder.buffer.subarray(0, encoder.length));
}

/** Upper and lower case and white space as HTTP/1.1 allows them. */
function asLines(list: HeaderList, shout: boolean): string {
  return list
    .map(([name, value]) => `${shout ? name.toUpperCase() : name}:${shout ? " \t" : " "}${value}\r\n`)
    .join("");
}

describe("what our encoder makes, our decoder reads", () => {
  it("over many blocks, with changes of the table's size", () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: headerList.map((list) => ({ list, shout: false, sizes: [] as number[] })) },
      { weight: 1, arbitrary: headerList.map((list) => ({ list, shout: true, sizes: [] as number[] })) },
      {
        weight: 1,
        arbitrary: fc
          .array(fc.constantFrom(0, 32, 40, 100, 300, 1000, 4096, 10_000, 65_536), { minLength: 1, maxLength: 3 })
          .map((sizes) => ({ list: [] as HeaderList, shout: false, sizes })),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(65_536);
        for (const { list, shout, sizes } of steps) {
          for (const size of sizes) encoder.setMaxTableSize(size);
          const lines = asLines(list, shout);
          encoder.begin();
          encoder.status(list.length === 0 ? 200 : 299);
          encoder.lines(`x${lines}y`, 1, lines.length + 1);
          expect(decodeList(decoder, block(encoder))).toEqual([
            [":status", list.length === 0 ? "200" : "299"],
            ...list,
          ]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("when lists come again and again in other orders", () => {
    fc.assert(
      fc.property(
        headerList,
        fc.array(fc.shuffledSubarray(Array.from({ length: 12 }, (_, i) => i)), { maxLength: 20 }),
        (list, orders) => {
          const encoder = new HpackEncoder();
          const decoder = new HpackDecoder(4096);
          for (const order of orders) {
            const shuffled = order.filter((i) => i < list.length).map((i) => list[i]);
            const lines = asLines(shuffled, false);
            encoder.begin();
            encoder.lines(lines, 0, lines.length);
            expect(decodeList(decoder, block(encoder))).toEqual(shuffled);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("by `field` and `named` too, sensitive or not", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fieldName, fieldValue, fc.boolean()), { maxLength: 30 }), (list) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(4096);
        for (let round = 0; round < 3; round++) {
          encoder.begin();
          for (const [name, value, sensitive] of list) {
            encoder.field(name, value, sensitive);
            encoder.named(4, value, sensitive);
          }
          const expected = list.flatMap(([name, value]) => [
            [name, value],
            [":path", value],
          ]);
          expect(decodeList(decoder, block(encoder))).toEqual(expected);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("independent blocks", () => {
  it("are read the same, whenever they are sent, and disturb no others", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(headerList, headerList, fc.nat(3)), { minLength: 1, maxLength: 15 }),
        fc.constantFrom(0, 100, 4096),
        (blocks, size) => {
          const encoder = new HpackEncoder();
          const decoder = new HpackDecoder(4096);
          const waiting: [after: number, bytes: Buffer, list: HeaderList][] = [];
          blocks.forEach(([list, trailers, delay], i) => {
            if (i === 3) encoder.setMaxTableSize(size);
            encoder.begin(true);
            encoder.lines(asLines(trailers, false), 0, asLines(trailers, false).length);
            waiting.push([i + delay, block(encoder), trailers]);
            encoder.begin();
            encoder.lines(asLines(list, false), 0, asLines(list, false).length);
            for (const [after, bytes, late] of waiting)
              if (after === i) expect(decodeList(decoder, bytes)).toEqual(late);
            expect(decodeList(decoder, block(encoder))).toEqual(list);
          });
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("Huffman code", () => {
  it("gives back every string of bytes, and has the length that was foretold", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const length = huffmanLength(bytes, 0, bytes.length);
        const coded = Buffer.alloc(length + 1, 0x55);
        expect(encodeHuffman(bytes, 0, bytes.length, coded, 0)).toBe(length);
        expect(coded[length]).toBe(0x55);
        const out = Buffer.alloc(maxDecodedLength(length));
        expect(decodeHuffman(coded, 0, length, out)).toBe(bytes.length);
        expect(out.subarray(0, bytes.length).equals(bytes)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it("has one coding of each string: what is decoded and coded again is the same", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (coded) => {
        const out = Buffer.alloc(maxDecodedLength(coded.length));
        const length = decodeHuffman(coded, 0, coded.length, out);
        if (length < 0) return;
        expect(length).toBeLessThanOrEqual(out.length);
        const again = Buffer.alloc(coded.length + 8);
        expect(again.subarray(0, encodeHuffman(out, 0, length, again, 0)).equals(coded)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("the size of the encoder's table", () => {
  it("is what the peer allows: an entry that is too large for it is not named by index", () => {
    const encoder = new HpackEncoder();
    encoder.setMaxTableSize(0);
    const decoder = new HpackDecoder(0);
    decoder.settingsAcknowledged();
    for (let i = 0; i < 5; i++) {
      encoder.begin();
      encoder.lines("server: a\r\nx: y\r\n", 0, 17);
      expect(decodeList(decoder, block(encoder))).toEqual([
        ["server", "a"],
        ["x", "y"],
      ]);
    }
    const fields = new FieldList();
    expect(decoder.decode(Buffer.from([0xbe]), 0, 1, fields)).toContain("index");
  });
});
