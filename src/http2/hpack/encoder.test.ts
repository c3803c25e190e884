import { describe, expect, it } from "vitest";
import { FieldList } from "../field-list.ts";
import { HpackDecoder } from "./decoder.ts";
import { HpackEncoder } from "./encoder.ts";

function encode(encoder: HpackEncoder, lines: string): Buffer {
  encoder.begin();
  encoder.lines(lines, 0, lines.length);
  return Buffer.from(encoder.buffer.subarray(0, encoder.length));
}

function decode(decoder: HpackDecoder, block: Buffer): string {
  const fields = new FieldList();
  expect(decoder.decode(block, 0, block.length, fields)).toBeNull();
  return fields.fields
    .slice(0, fields.count)
    .map(({ line }) => line)
    .join("");
}

function lengths(line: string, times = 4): number[] {
  const encoder = new HpackEncoder();
  return Array.from({ length: times }, () => encode(encoder, line).length);
}

function updates(...sizes: number[]): string {
  const encoder = new HpackEncoder();
  for (const size of sizes) encoder.setMaxTableSize(size);
  encoder.begin();
  return encoder.buffer.toString("hex", 0, encoder.length);
}

describe("what is indexed", () => {
  it("what most messages share: at once", () => {
    expect(lengths("Server: nginx\r\n").slice(1)).toEqual([1, 1, 1]);
    expect(lengths("Content-Type: text/html\r\n").slice(1)).toEqual([1, 1, 1]);
  });

  it("other fields: when they come again", () => {
    const [first, second, ...later] = lengths("Date: Sat, 21 Nov 2026 15:00:00 GMT\r\n");
    // The second is shorter because it is in the Huffman code.
    expect(first).toBe(32);
    expect(second).toBeLessThan(first);
    expect(later).toEqual([1, 1]);
    expect(lengths("X-Unknown: a\r\n").slice(2)).toEqual([1, 1]);
  });

  it("what changes with each message: never, so that it throws nothing out", () => {
    const encoder = new HpackEncoder();
    encode(encoder, "Server: a\r\n");
    for (let i = 0; i < 1000; i++) encode(encoder, `X-Request-Id: ${i}\r\nContent-Length: ${i}\r\n`);
    expect(encode(encoder, "Server: a\r\n").length).toBe(1);
  });

  it("secrets: never", () => {
    for (const line of ["Authorization: Basic YTpi", "Proxy-Authorization: x", "Cookie: a=b", "Set-Cookie: a=b"]) {
      const all = lengths(`${line}\r\n`);
      expect(new Set(all).size).toBe(1);
      expect(encode(new HpackEncoder(), `${line}\r\n`)[0] & 0xf0).toBe(0x10);
    }
    expect(lengths(`Cookie: session=${"x".repeat(20)}\r\n`).at(-1)).toBe(1);
  });

  it("what would fill the table: never", () => {
    const encoder = new HpackEncoder();
    encode(encoder, "Server: a\r\n");
    const large = `X: ${"y".repeat(3000)}\r\n`;
    for (let i = 0; i < 3; i++) expect(encode(encoder, large).length).toBeGreaterThan(3000);
    expect(encode(encoder, "Server: a\r\n").length).toBe(1);
  });
});

describe("lines", () => {
  it.each([
    ["Connection: close\r\nA: b\r\nKeep-Alive: x\r\n", "a: b\r\n"],
    ["Transfer-Encoding: chunked\r\nUpgrade: x\r\nProxy-Connection: y\r\nHTTP2-Settings: z\r\n", ""],
    ["TE: gzip\r\n", ""],
    ["TE: trailers\r\n", "te: trailers\r\n"],
    ["te:Trailers\r\n", "te: Trailers\r\n"],
    ["A:b\r\nB: \tc d\t \r\nC:\r\nD: \r\n", "a: b\r\nb: c d\r\nc: \r\nd: \r\n"],
    ["X-Byte: \x80\xff\r\n", "x-byte: \x80\xff\r\n"],
    ["", ""],
  ])("%j", (lines, expected) => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096);
    for (let i = 0; i < 4; i++) expect(decode(decoder, encode(encoder, lines))).toBe(expected);
  });

  it("a line that begins like an indexed one is another", () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096);
    for (const lines of [
      "Server: a\r\nVia: b\r\n",
      "Server: ab\r\nVia: b\r\n",
      "Server: a\r\nVia: bc\r\n",
      "Server: a\r\n",
    ])
      for (let i = 0; i < 2; i++) expect(decode(decoder, encode(encoder, lines))).toBe(lines.toLowerCase());
  });

  it("only those in the range", () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096);
    const text = "Server: a\r\nVia: b\r\nVary: c\r\n";
    for (let i = 0; i < 3; i++) {
      encoder.begin();
      encoder.lines(text, 11, 19);
      expect(decode(decoder, encoder.buffer.subarray(0, encoder.length))).toBe("via: b\r\n");
      expect(decode(decoder, encode(encoder, text))).toBe("server: a\r\nvia: b\r\nvary: c\r\n");
    }
  });
});

describe("the buffer", () => {
  it("grows to what a block needs, and is given back", () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096);
    const first = encoder.buffer.length;
    const many = Array.from({ length: 3000 }, (_, i) => `x-${i}: ${"v".repeat(50)}\r\n`).join("");
    expect(decode(decoder, encode(encoder, many))).toBe(many);
    expect(encoder.buffer.length).toBeGreaterThan(150_000);
    encoder.begin();
    expect(encoder.buffer.length).toBe(first);
  });
});

describe("changes of the table's size", () => {
  it.each([
    ["the size that holds anyway", [4096], ""],
    ["a larger one, which we do not use", [65_536], ""],
    ["a smaller one", [100], "3f45"],
    ["the smallest and the last", [100, 0, 2000], "203fb10f"],
    ["down and back", [0, 4096], "203fe11f"],
    ["down and up beyond", [0, 65_536], "203fe11f"],
  ])("%s", (_, sizes, hex) => {
    expect(updates(...sizes)).toBe(hex);
  });

  it("entries that no longer fit are gone", () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096);
    const lines = "Server: a\r\nVia: b\r\n";
    expect(decode(decoder, encode(encoder, lines))).toBe("server: a\r\nvia: b\r\n");
    encoder.setMaxTableSize(40);
    expect(decode(decoder, encode(encoder, lines))).toBe("server: a\r\nvia: b\r\n");
    encoder.setMaxTableSize(4096);
    for (let i = 0; i < 3; i++) expect(decode(decoder, encode(encoder, lines))).toBe("server: a\r\nvia: b\r\n");
    expect(encoder.length).toBe(2);
  });
});
