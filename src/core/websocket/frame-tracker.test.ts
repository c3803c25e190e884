import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closeFrame, GOING_AWAY } from "./close-frame.ts";
import { FrameTracker } from "./frame-tracker.ts";

/** A frame with a payload of zeros, its length in the shortest form. */
function frame(opcode: number, length: number, masked: boolean, final = true): Uint8Array {
  const extended = length > 65_535 ? 8 : length > 125 ? 2 : 0;
  const head = 2 + extended + (masked ? 4 : 0);
  const bytes = new Uint8Array(head + length);
  bytes[0] = opcode | (final ? 0x80 : 0);
  bytes[1] = (extended === 8 ? 127 : extended === 2 ? 126 : length) | (masked ? 0x80 : 0);
  const view = new DataView(bytes.buffer);
  if (extended === 2) view.setUint16(2, length);
  if (extended === 8) view.setBigUint64(2, BigInt(length));
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Every boundary that the tracker finds when the bytes come in pieces that end at these places. */
function boundaries(bytes: Uint8Array, masked: boolean, cuts: readonly number[]): number[] {
  const tracker = new FrameTracker(masked);
  const found: number[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    while (from < to && !tracker.lost) {
      from = tracker.advance(bytes, from, to, true);
      if (tracker.atBoundary) found.push(from);
    }
    from = to;
  }
  return found;
}

const lengths = fc.oneof(fc.nat({ max: 200 }), fc.constantFrom(0, 1, 124, 125, 126, 127, 65_535, 65_536, 70_000));
const frames = fc.array(
  fc.oneof(
    fc.record({ opcode: fc.constantFrom(0, 1, 2), length: lengths, final: fc.boolean() }),
    fc.record({ opcode: fc.constantFrom(8, 9, 10), length: fc.nat({ max: 125 }), final: fc.constant(true) }),
  ),
  { minLength: 1, maxLength: 12 },
);

describe("FrameTracker", () => {
  it("finds the end of each frame, however the stream is cut", () => {
    fc.assert(
      fc.property(
        frames,
        fc.boolean(),
        fc.array(fc.nat({ max: 400_000 }), { maxLength: 30 }),
        (list, masked, places) => {
          const parts = list.map(({ opcode, length, final }) => frame(opcode, length, masked, final));
          const bytes = joined(parts);
          const ends: number[] = [];
          for (const part of parts) ends.push((ends.at(-1) ?? 0) + part.length);
          const cuts = places.filter((place) => place < bytes.length).toSorted((a, b) => a - b);
          expect(boundaries(bytes, masked, cuts)).toEqual(ends);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("counts messages, each once and with its last byte", () => {
    fc.assert(
      fc.property(frames, fc.boolean(), fc.integer({ min: 1, max: 100_000 }), (list, masked, size) => {
        const bytes = joined(list.map(({ opcode, length, final }) => frame(opcode, length, masked, final)));
        const tracker = new FrameTracker(masked);
        const last = bytes.length - 1;
        for (let from = 0; from < last; from += size) {
          tracker.advance(bytes, from, Math.min(last, from + size), false);
        }
        const data = list.filter(({ opcode, final }) => opcode < 8 && final).length;
        const end = list.at(-1)!;
        expect(tracker.messages).toBe(data - (end.opcode < 8 && end.final ? 1 : 0));
        tracker.advance(bytes, last, bytes.length, false);
        expect(tracker.messages).toBe(data);
      }),
      { numRuns: 200 },
    );
  });

  it("finds the same byte by byte", () => {
    const bytes = joined([frame(1, 0, true), frame(2, 126, true, false), frame(9, 3, true), frame(0, 65_536, true)]);
    const all = Array.from(bytes, (_, i) => i);
    expect(boundaries(bytes, true, all)).toEqual([6, 140, 149, 65_699]);
  });

  it("says when a Close frame has passed, and not before its last byte", () => {
    const bytes = closeFrame(GOING_AWAY, "bye", 0x01020304);
    const tracker = new FrameTracker(true);
    tracker.advance(bytes, 0, bytes.length - 1, false);
    expect([tracker.closed, tracker.atBoundary]).toEqual([false, false]);
    tracker.advance(bytes, bytes.length - 1, bytes.length, false);
    expect([tracker.closed, tracker.atBoundary]).toEqual([true, true]);
  });

  it.each<[string, boolean, number[]]>([
    ["an undefined opcode", false, [0x83, 0]],
    ["an undefined control opcode", false, [0x8b, 0]],
    ["a fragmented control frame", false, [0x08, 0]],
    ["a long control frame", false, [0x89, 126, 0, 200]],
    ["a masked frame from a server", false, [0x81, 0x80, 0, 0, 0, 0]],
    ["an unmasked frame from a client", true, [0x81, 0]],
    ["a length of 125 in two bytes", false, [0x81, 126, 0, 125]],
    ["a length of 65535 in eight bytes", false, [0x81, 127, 0, 0, 0, 0, 0, 0, 255, 255]],
    ["a length beyond 2^53", false, [0x81, 127, 0, 32, 0, 0, 0, 0, 0, 0]],
    ["a length with its highest bit set", false, [0x81, 127, 128, 0, 0, 0, 0, 0, 0, 0]],
  ])("loses track at %s, for good", (_what, masked, head) => {
    const tracker = new FrameTracker(masked);
    const bytes = Uint8Array.from([...head, ...frame(1, 5, masked)]);
    expect(tracker.advance(bytes, 0, bytes.length, true)).toBe(bytes.length);
    expect([tracker.lost, tracker.atBoundary, tracker.closed]).toEqual([true, false, false]);
  });

  it("survives garbage: it never goes back or beyond, and a boundary is one only while nothing is lost", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        (pieces, masked) => {
          const tracker = new FrameTracker(masked);
          for (const piece of pieces) {
            let from = 0;
            while (from < piece.length) {
              const to = tracker.advance(piece, from, piece.length, true);
              expect(to).toBeGreaterThan(from);
              expect(to).toBeLessThanOrEqual(piece.length);
              if (to < piece.length) expect(tracker.atBoundary).toBe(true);
              expect(tracker.atBoundary && tracker.lost).toBe(false);
              from = to;
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("closeFrame", () => {
  it("is what RFC 6455 says", () => {
    expect([...closeFrame(GOING_AWAY, "bye")]).toEqual([0x88, 5, 0x03, 0xe9, 98, 121, 101]);
    const masked = closeFrame(GOING_AWAY, "bye", 0xf1020304);
    expect([...masked.subarray(0, 6)]).toEqual([0x88, 0x85, 0xf1, 2, 3, 4]);
    expect(Array.from(masked.subarray(6), (byte, i) => byte ^ masked[2 + (i & 3)])).toEqual([0x03, 0xe9, 98, 121, 101]);
  });
});
