import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHUNK_DATA, CHUNK_END, CHUNK_ERROR, CHUNK_NEED_MORE, ChunkedDecoder } from "./chunked.ts";

interface Result {
  event: number;
  code: string | undefined;
  data: string;
  /** What a relay that keeps the framing would have sent. */
  forwarded: string;
  trailers: string;
  /** Bytes up to the end of the body. */
  taken: number;
  plain: boolean;
}

/** Decodes the text in pieces that end at the cuts, each at another place of its buffer. */
function decode(text: string, cuts: readonly number[] = [], decoder = new ChunkedDecoder()): Result {
  decoder.reset();
  const result: Result = { event: 0, code: undefined, data: "", forwarded: "", trailers: "", taken: 0, plain: true };
  let from = 0;
  for (const to of [...cuts.filter((cut) => cut < text.length), text.length].sort((a, b) => a - b)) {
    const offset = from % 5;
    const piece = Buffer.from("#".repeat(offset) + text.slice(from, to) + "#".repeat(from % 3), "latin1");
    const end = offset + to - from;
    decoder.mark();
    let at = offset;
    while ((result.event = decoder.next(piece, at, end)) === CHUNK_DATA) {
      result.data += piece.toString("latin1", decoder.dataStart, decoder.dataEnd);
      at = decoder.position;
    }
    result.plain &&= decoder.plain;
    result.taken = from + decoder.position - offset;
    if (result.event === CHUNK_ERROR) {
      result.code = decoder.error!.code;
      return result;
    }
    result.forwarded += Buffer.from(decoder.forwardable(piece, offset)).toString("latin1");
    if (result.event === CHUNK_END) break;
    from = to;
  }
  result.trailers = decoder.trailers;
  return result;
}

const everywhere = (text: string) => Array.from({ length: text.length }, (_, i) => i);

const refused: [rfc: string, name: string, text: string, code: string][] = [
  ["9112 7.1", "no size", "\r\n", "invalid_chunk_size"],
  ["9112 7.1", "sign", "+5\r\nhello\r\n", "invalid_chunk_size"],
  ["9112 7.1", "negative size", "-5\r\nhello\r\n", "invalid_chunk_size"],
  ["9112 7.1", "0x", "0x5\r\nhello\r\n", "invalid_chunk_size"],
  ["9112 7.1", "underscore", "1_0\r\n", "invalid_chunk_size"],
  ["9112 7.1", "no hexadecimal digit", "g\r\n", "invalid_chunk_size"],
  ["9112 7.1", "space before the size", " 5\r\nhello\r\n", "invalid_chunk_size"],
  ["9112 7.1", "space behind the size", "5 \r\nhello\r\n", "invalid_chunk_size"],
  ["9112 7.1", "tab behind the size", "5\t\r\nhello\r\n", "invalid_chunk_size"],
  ["9112 7.1.1", "space before an extension", "5 ;a\r\nhello\r\n", "invalid_chunk_size"],
  ["9112 7.1", "2^53", "20000000000000\r\n", "invalid_chunk_size"],
  ["9112 7.1", "2^64", "10000000000000000\r\n", "invalid_chunk_size"],
  ["9112 7.1", "17 digits", "00000000000000005\r\nhello\r\n", "invalid_chunk_size"],
  ["9112 7.1", "NUL", "5\0\r\nhello\r\n", "invalid_chunk_size"],
  ["9112 7.1", "bare LF behind the size", "5\nhello\r\n", "bare_line_feed"],
  ["9112 7.1", "bare LF instead of a size", "5\r\nhello\r\n\n", "bare_line_feed"],
  ["9112 7.1", "bare CR behind the size", "5\rhello\r\n", "bare_carriage_return"],
  ["9112 7.1", "longer data", "5\r\nhello!\r\n", "invalid_chunk_end"],
  ["9112 7.1", "shorter data", "5\r\nhell\r\n0\r\n\r\n", "invalid_chunk_end"],
  ["9112 7.1", "bare LF behind the data", "5\r\nhello\n0\r\n\r\n", "invalid_chunk_end"],
  ["9112 7.1", "bare CR behind the data", "5\r\nhello\r0\r\n\r\n", "invalid_chunk_end"],
  ["9112 7.1", "nothing behind the data", "5\r\nhello0\r\n\r\n", "invalid_chunk_end"],
  ["9112 7.1", "bare LF at the end", "0\r\n\n", "bare_line_feed"],
  ["9112 7.1", "bare CR at the end", "0\r\n\rX", "bare_carriage_return"],
  ["9112 7.1.1", "extension without name", "5;\r\nhello\r\n", "invalid_chunk_extension"],
  ["9112 7.1.1", "bare LF in an extension", "5;a\nhello\r\n", "bare_line_feed"],
  ["9112 7.1.1", "bare CR in an extension", "5;a\rb\r\nhello\r\n", "bare_carriage_return"],
  ["9112 7.1.1", "NUL in an extension", "5;a=\0\r\nhello\r\n", "invalid_chunk_extension"],
  ["9112 7.1.1", "long extension", `5;a=${"b".repeat(300)}\r\nhello\r\n`, "chunk_extension_too_long"],
  ["9112 7.1.1", "many extensions", `1;a=${"b".repeat(200)}\r\nx\r\n`.repeat(50), "chunk_extension_too_long"],
  ["9112 7.1.2", "malformed trailer", "0\r\nA b\r\n\r\n", "space_before_colon"],
  ["9112 7.1.2", "trailer without name", "0\r\n: b\r\n\r\n", "invalid_header"],
  ["9112 7.1.2", "folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "folded_header"],
  ["9112 7.1.2", "trailer with a bare LF", "0\r\nA: b\n\r\n", "bare_line_feed"],
  ["9112 7.1.2", "trailer with NUL", "0\r\nA: \0\r\n\r\n", "invalid_header_value"],
  ["6585 5", "trailers too large", `0\r\n${`A: ${"b".repeat(1000)}\r\n`.repeat(9)}\r\n`, "trailers_too_large"],
  ["6585 5", "too many trailers", `0\r\n${"A: b\r\n".repeat(65)}\r\n`, "trailers_too_large"],
];

describe("ChunkedDecoder", () => {
  it.each(refused)("RFC %s: refuses %s", (_rfc, _name, text, code) => {
    const whole = decode(text);
    expect([whole.event, whole.code]).toEqual([CHUNK_ERROR, code]);
    expect(decode(text, everywhere(text))).toMatchObject({ event: CHUNK_ERROR, code });
  });

  it("decodes a plain body and forwards the same memory", () => {
    const text = "5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n";
    const decoder = new ChunkedDecoder();
    expect(decode(`${text}GET`, [], decoder)).toEqual({
      event: CHUNK_END,
      code: undefined,
      data: "hello0123456789",
      forwarded: text,
      trailers: "",
      taken: text.length,
      plain: true,
    });
    const piece = Buffer.from(text);
    decoder.reset();
    while (decoder.next(piece, decoder.position, piece.length) === CHUNK_DATA);
    expect(decoder.forwardable(piece, 0).buffer).toBe(piece.buffer);
  });

  it("takes the greatest size", () => {
    const decoder = new ChunkedDecoder();
    const piece = Buffer.from("1fffffffffffff\r\nab");
    expect(decoder.next(piece, 0, piece.length)).toBe(CHUNK_DATA);
    expect(decoder.next(piece, decoder.position, piece.length)).toBe(CHUNK_NEED_MORE);
  });

  it("RFC 9112 7.1.1: takes extensions away", () => {
    const text = '3;a\r\nabc\r\n2; b=c ;d="e;f\\"\t\xe4"\r\nde\r\n0;last\r\n\r\n';
    const expected = { event: CHUNK_END, data: "abcde", forwarded: "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", plain: false };
    expect(decode(text)).toMatchObject(expected);
    expect(decode(text, everywhere(text))).toMatchObject(expected);
  });

  it("RFC 9110 6.5.1: keeps trailers but those that are forbidden", () => {
    const text =
      "1\r\na\r\n0\r\nX-Checksum: 1\r\nContent-Length: 5\r\nhost: evil\r\nTransfer-Encoding: chunked\r\n" +
      "Authorization: x\r\nSet-Cookie: a\r\nX-Forwarded-For: 1\r\nX-Last: 2\r\n\r\n";
    const trailers = "X-Checksum: 1\r\nX-Last: 2\r\n";
    const expected = { event: CHUNK_END, trailers, forwarded: `1\r\na\r\n0\r\n${trailers}\r\n`, taken: text.length };
    expect(decode(`${text}NEXT`)).toMatchObject(expected);
    expect(decode(text, everywhere(text))).toMatchObject(expected);
  });

  it("ends cleanly when all trailers are dropped", () => {
    const text = "0\r\nHost: a\r\n\r\n";
    expect(decode(text)).toMatchObject({ event: CHUNK_END, trailers: "", forwarded: "0\r\n\r\n" });
  });

  it("is plain again for the piece behind an extension", () => {
    const decoder = new ChunkedDecoder();
    const pieces = ["3;a=", "b\r\nabc\r\n", "1\r\nd\r\n"].map((text) => Buffer.from(text));
    const plain = pieces.map((piece) => {
      decoder.mark();
      let at = 0;
      while (decoder.next(piece, at, piece.length) === CHUNK_DATA) at = decoder.position;
      return decoder.plain;
    });
    expect(plain).toEqual([false, false, true]);
  });

  it("forgets a body with trailers when it is reset", () => {
    const decoder = new ChunkedDecoder();
    expect(decode("0\r\nA: b\r\n\r\n", [4], decoder).trailers).toBe("A: b\r\n");
    expect(decode("0\r\nC: d\r\n\r\n", [4], decoder).trailers).toBe("C: d\r\n");
    expect(decode("1\r\nx\r\n0\r\n\r\n", [], decoder)).toMatchObject({ data: "x", trailers: "", plain: true });
  });

  const chunk = fc.record({
    data: fc.string({ minLength: 1, maxLength: 40, unit: "binary-ascii" }),
    extension: fc.constantFrom("", "", ";a", ";a=b;c", '; x="y"'),
    zeros: fc.constantFrom("", "0", "000"),
  });
  const body = fc.record({
    chunks: fc.array(chunk, { maxLength: 8 }),
    last: fc.constantFrom("0", "000", "0;x"),
    trailers: fc.array(fc.constantFrom("A: b\r\n", "Host: c\r\n", "Digest: x y\r\n"), { maxLength: 3 }),
  });

  it("reads back what was written, wherever it is split, and forwards what decodes to the same", () => {
    fc.assert(
      fc.property(body, fc.array(fc.nat(400), { maxLength: 8 }), ({ chunks, last, trailers }, cuts) => {
        const text =
          chunks.map((c) => `${c.zeros}${c.data.length.toString(16)}${c.extension}\r\n${c.data}\r\n`).join("") +
          `${last}\r\n${trailers.join("")}\r\n`;
        const result = decode(text, cuts);
        const data = chunks.map((c) => c.data).join("");
        const kept = trailers.filter((line) => !line.startsWith("Host")).join("");
        expect(result).toMatchObject({ event: CHUNK_END, data, trailers: kept, taken: text.length });
        expect(result.plain).toBe(
          trailers.length === 0 && last !== "0;x" && chunks.every(({ extension }) => extension === ""),
        );
        const again = decode(result.forwarded);
        expect(again).toMatchObject({ event: CHUNK_END, data, trailers: kept, taken: result.forwarded.length });
        expect(result.forwarded.replaceAll(/[\r\n]/g, "")).not.toContain(';x="y"');
        if (result.plain) expect(result.forwarded).toBe(text);
      }),
    );
  });
});
