import { describe, expect, it } from "vitest";
import { describeFrame, splitFrames } from "../../../test/http2/support/raw-frames.ts";
import { copyBytes, Output } from "./output.ts";

function takeAll(output: Output): Buffer {
  const pieces: Buffer[] = [];
  for (let bytes = output.take(); bytes !== null; bytes = output.take()) {
    pieces.push(Buffer.from(bytes));
    output.recycle(bytes);
  }
  return Buffer.concat(pieces);
}

describe("Output", () => {
  it("writes each kind of frame", () => {
    const output = new Output();
    output.settings([3, 100, 4, 0xffffffff]);
    output.settingsAck();
    output.ping(true, Buffer.from("..12345678"), 2);
    output.windowUpdate(5, 0x7fffffff);
    output.rstStream(7, 8);
    output.data(9, Buffer.from("abcdef"), 1, 4, true);
    output.head(11, Buffer.from("head.."), 4, true);
    output.goAway(0x7fffffff, 11, "why");
    const frames = splitFrames(takeAll(output));
    expect(frames.map(describeFrame)).toEqual([
      "SETTINGS",
      "SETTINGS ack",
      "PING ack",
      "WINDOW_UPDATE 5 2147483647",
      "RST_STREAM 7 CANCEL",
      "DATA 9 3 end",
      "HEADERS 11 end",
      "GOAWAY 2147483647 ENHANCE_YOUR_CALM",
    ]);
    expect(frames.map(({ payload }) => payload.toString("latin1")).slice(5)).toEqual([
      "bcd",
      "head",
      "\x7f\xff\xff\xff\0\0\0\x0bwhy",
    ]);
    expect(frames[0].payload.toString("hex")).toBe("0003000000640004ffffffff");
    expect(frames[2].payload.toString("latin1")).toBe("12345678");
  });

  it("cuts a long header block into frames", () => {
    const output = new Output();
    const block = Buffer.alloc(40_000, "abc");
    output.head(1, block, block.length, false);
    const frames = splitFrames(takeAll(output));
    expect(frames.map(({ type, flags, payload }) => [type, flags, payload.length])).toEqual([
      [1, 0, 16_384],
      [9, 0, 16_384],
      [9, 4, 7232],
    ]);
    expect(Buffer.concat(frames.map(({ payload }) => payload)).equals(block)).toBe(true);
  });

  it("keeps the order over many buffers, and counts", () => {
    const output = new Output();
    const bytes = Buffer.alloc(16_384);
    for (let id = 1; id < 200; id += 2) output.data(id, bytes.fill(id), 0, bytes.length, false);
    expect(output.pending).toBe(100 * (16_384 + 9));
    const frames = splitFrames(takeAll(output));
    expect(frames.map(({ stream, payload }) => [stream, payload[0], payload[16_383]])).toEqual(
      Array.from({ length: 100 }, (_, index) => [2 * index + 1, 2 * index + 1, 2 * index + 1]),
    );
    expect(output.pending).toBe(0);
    expect(output.takenBytes).toBe(100 * (16_384 + 9));
  });

  it("uses a buffer again only after it was given back", () => {
    const output = new Output();
    output.settingsAck();
    const first = output.take()!;
    output.settingsAck();
    const second = output.take()!;
    expect(second.buffer).not.toBe(first.buffer);
    output.recycle(first);
    output.recycle(first);
    output.settingsAck();
    expect(output.take()!.buffer).toBe(first.buffer);
    output.settingsAck();
    expect([first.buffer, second.buffer]).not.toContain(output.take()!.buffer);
  });
});

describe("copyBytes", () => {
  it.each([0, 1, 31, 32, 33, 1000])("copies %i bytes from any place to any place", (length) => {
    const source = Uint8Array.from({ length: length + 20 }, (_, index) => index);
    for (const from of [0, 7]) {
      const target = Buffer.alloc(length + 10, 0xee);
      copyBytes(source, from, from + length, target, 3);
      expect(target.subarray(3, 3 + length)).toEqual(Buffer.from(source.subarray(from, from + length)));
      expect([target[2], target[3 + length]]).toEqual([0xee, 0xee]);
    }
    const exact = source.subarray(0, length);
    const target = Buffer.alloc(length);
    copyBytes(exact, 0, length, target, 0);
    expect(target.equals(exact)).toBe(true);
  });
});
