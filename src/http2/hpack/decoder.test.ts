import { describe, expect, it } from "vitest";
import { FieldList } from "../field-list.ts";
import { HpackDecoder } from "./decoder.ts";

function run(decoder: HpackDecoder, hex: string, fields = new FieldList()): string | null {
  const block = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return decoder.decode(block, 0, block.length, fields);
}

function literal(name: string, value: string, kind = 0x00): string {
  return kind.toString(16).padStart(2, "0") + string(name) + string(value);
}

function string(text: string): string {
  return text.length.toString(16).padStart(2, "0") + Buffer.from(text, "latin1").toString("hex");
}

function decodeInto(maxSize: number, maxCount: number, hex: string) {
  const fields = new FieldList(maxSize, maxCount);
  const decoder = new HpackDecoder(4096);
  expect(run(decoder, hex, fields)).toBeNull();
  return { fields, decoder };
}

/** A literal whose value is Huffman-coded by these bytes. */
const huffman = (hex: string) => `0f0d${(0x80 | (hex.length / 2)).toString(16)}${hex}`;

const malformed: [rfc: string, what: string, hex: string, sentence: string][] = [
  ["6.1", "index 0", "80", "index"],
  ["6.1", "the first index of an empty dynamic table", "be", "index"],
  ["6.1", "an index far away", "ff80808001", "index"],
  ["6.2.1", "a name by an index of an empty dynamic table", "7e0161", "index"],
  ["6.2.2", "a name by an index outside", "0f700161", "index"],
  ["5.1", "an integer that is cut off", "ff", "integer"],
  ["5.1", "an integer that is cut off in its continuation", "ff8080", "integer"],
  ["5.1", "an integer with six continuation bytes", "ff808080808001", "integer"],
  ["5.1", "an integer of zeros without end", "ff80808080808080808080", "integer"],
  ["5.1", "an integer above 2^30", "ffffffffff7f", "integer"],
  ["5.2", "a literal without strings", "40", "string"],
  ["5.2", "a literal without value", "400161", "string"],
  ["5.2", "a string longer than the block", "4001610262", "string"],
  ["5.2", "a string of 2^30 bytes", "4001617f80ffffff03", "string"],
  ["5.2", "a Huffman string longer than the block", "400161821f", "string"],
  ["5.2", "a length that is cut off", "4001617f", "integer"],
  ["5.2", "EOS in a string", huffman("ffffffff"), "Huffman"],
  ["5.2", "EOS and something behind it", huffman("fffffffc"), "Huffman"],
  ["5.2", "eight bits of padding", huffman("1fff"), "Huffman"],
  ["5.2", "only padding, of eight bits", huffman("ff"), "Huffman"],
  ["5.2", "padding of zeros", huffman("18"), "Huffman"],
  ["5.2", "padding that is not all ones", huffman("1e"), "Huffman"],
  ["4.2", "a size update behind a field", "8220", "behind"],
  ["4.2", "a size update between fields", "822082", "behind"],
  ["6.3", "a size update above what was announced", "3fe21f", "above"],
  ["6.3", "a huge size update", "3fffffff7f", "above"],
];

describe("malformed blocks", () => {
  it.each(malformed)("RFC 7541 %s: %s", (_, __, hex, sentence) => {
    expect(run(new HpackDecoder(4096), hex)).toContain(sentence);
  });
});

describe("well-formed blocks at the edge", () => {
  it.each([
    ["nothing", "", []],
    ["only size updates", "203fe11f", []],
    ["an empty name and value, which is a problem of the field", "000000", ["="]],
    ["an empty Huffman string", "00016180", ["a="]],
    ["three bits of padding", "0001618107", ["a=0"]],
    ["seven bits of padding", "000161840000007f", ["a=00000"]],
    ["an integer that is longer than need be", "0f8d8080000161", ["content-length=a"]],
  ] as [string, string, string[]][])("%s", (_, hex, expected) => {
    const fields = new FieldList();
    expect(run(new HpackDecoder(4096), hex, fields)).toBeNull();
    expect(fields.fields.slice(0, fields.count).map(({ name, value }) => `${name}=${value}`)).toEqual(expected);
  });
});

describe("sizes of the table", () => {
  it("the initial size may be used until our settings are acknowledged, and must be reduced then", () => {
    const decoder = new HpackDecoder(0);
    expect(run(decoder, literal("a", "b", 0x40))).toBeNull();
    expect(run(decoder, "be")).toBeNull();
    decoder.settingsAcknowledged();
    expect(run(decoder, "82")).toContain("missing");
    const other = new HpackDecoder(0);
    other.settingsAcknowledged();
    expect(run(other, literal("a", "b", 0x40))).toContain("missing");
    const third = new HpackDecoder(0);
    third.settingsAcknowledged();
    expect(run(third, `20${literal("a", "b", 0x40)}`)).toBeNull();
    expect(run(third, "be")).toContain("index");
    expect(run(third, "21")).toContain("above");
  });

  it("a larger size has to be asked for", () => {
    const decoder = new HpackDecoder(8192);
    decoder.settingsAcknowledged();
    expect(run(decoder, "82")).toBeNull();
    expect(run(decoder, "3fe13f")).toBeNull();
    expect(run(decoder, "3fe23f")).toContain("above");
  });

  it("an entry larger than the table empties it, and is in the list all the same", () => {
    const decoder = new HpackDecoder(4096);
    run(decoder, `3f09${literal("a", "b", 0x40)}`);
    const fields = new FieldList();
    expect(run(decoder, `be${literal("name", "value", 0x40)}`, fields)).toBeNull();
    expect(fields.count).toBe(2);
    expect(run(decoder, "be")).toContain("index");
  });

  it("a name may be that of the entry that its own insertion throws out", () => {
    const decoder = new HpackDecoder(4096);
    // Room for one entry of 34 bytes.
    run(decoder, `3f03${literal("a", "b", 0x40)}`);
    const fields = new FieldList();
    expect(run(decoder, `7e0163be`, fields)).toBeNull();
    expect(fields.fields.slice(0, 2).map(({ line }) => line)).toEqual(["a: c\r\n", "a: c\r\n"]);
  });
});

describe("limits of the list", () => {
  it("drops what is beyond the number, and keeps the table in step", () => {
    const { fields, decoder } = decodeInto(1000, 2, `8286${literal("a", "b", 0x40)}`);
    expect([fields.count, fields.overflow]).toEqual([2, true]);
    fields.reset();
    expect(run(decoder, "be", fields)).toBeNull();
    expect(fields.fields[0].line).toBe("a: b\r\n");
    expect(fields.overflow).toBe(false);
  });

  it("drops what is beyond the size, and everything behind it", () => {
    const { fields } = decodeInto(100, 100, `${literal("a", "x".repeat(70))}82`);
    expect([fields.count, fields.size, fields.overflow]).toEqual([0, 0, true]);
    const exact = decodeInto(34, 100, literal("a", "b"));
    expect([exact.fields.count, exact.fields.size, exact.fields.overflow]).toEqual([1, 34, false]);
  });

  it("still refuses malformed strings beyond the limits", () => {
    const fields = new FieldList(10, 10);
    expect(run(new HpackDecoder(4096), `82${huffman("ff")}`, fields)).toContain("Huffman");
  });

  it("keeps a bomb of references to one large entry small", () => {
    const decoder = new HpackDecoder(4096);
    // A value of 127 + 1 + 30 * 128 bytes: the entry fills most of the table.
    expect(run(decoder, `4001617f811e${"78".repeat(3968)}`)).toBeNull();
    const fields = new FieldList(32_768, 100);
    expect(run(decoder, "be".repeat(16_384), fields)).toBeNull();
    expect(fields.overflow).toBe(true);
    expect(fields.size).toBeLessThanOrEqual(32_768);
    expect(fields.fields.length).toBeLessThan(10);
  });
});

describe("problems of fields", () => {
  it.each([
    ["", "v", "empty"],
    [":", "v", "empty"],
    ["A", "v", "upper-case"],
    ["x-Y", "v", "upper-case"],
    [":Path", "v", "upper-case"],
    ["a b", "v", "token"],
    ["a:", "v", "token"],
    ["::a", "v", "token"],
    ["a\r\nb", "v", "token"],
    ["a\0", "v", "token"],
    ["ä", "v", "token"],
    ["a", " v", "white space"],
    ["a", "v ", "white space"],
    ["a", "\tv", "white space"],
    ["a", "v\t", "white space"],
    ["a", " ", "white space"],
    ["a", "v\r\nb: c", "forbidden"],
    ["a", "v\n", "forbidden"],
    ["a", "\r", "forbidden"],
    ["a", "v\0w", "forbidden"],
    ["a", "\x7f", "forbidden"],
    ["a", "v\x1bw", "forbidden"],
    [":path", "/ \r", "forbidden"],
  ])("%j: %j", (name, value, word) => {
    for (const kind of [0x00, 0x10, 0x40]) {
      const fields = new FieldList();
      expect(run(new HpackDecoder(4096), literal(name, value, kind), fields)).toBeNull();
      expect(fields.fields[0].problem).toContain(word);
    }
  });

  it.each([
    ["a", "", 0],
    ["a", "b\tc d", 0],
    ["a", "\x80ÿ", 0],
    ["content-length", "1", 2],
    [":path", "/", 0],
  ])("none: %j: %j", (name, value, id) => {
    const fields = new FieldList();
    run(new HpackDecoder(4096), literal(name, value), fields);
    expect(fields.fields[0]).toMatchObject({ name, value, id, problem: "" });
    expect(fields.fields[0].line).toBe(name.startsWith(":") ? "" : `${name}: ${value}\r\n`);
  });

  it("a bad name taken from the table is as bad, a good one with a bad value is not", () => {
    const decoder = new HpackDecoder(4096);
    const fields = new FieldList();
    run(decoder, `${literal("A", "v", 0x40)}7e0162${literal("a", "\n", 0x40)}7e0162`, fields);
    expect(fields.fields.slice(0, 4).map(({ problem }) => problem !== "")).toEqual([true, true, true, false]);
  });

  it("repeated fields are one object", () => {
    const decoder = new HpackDecoder(4096);
    const fields = new FieldList();
    run(decoder, `${literal("a", "b", 0x40)}bebe82`, fields);
    expect(fields.fields[0]).toBe(fields.fields[1]);
    expect(fields.fields[1]).toBe(fields.fields[2]);
  });
});
