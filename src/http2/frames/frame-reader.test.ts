import { describe, expect, it } from "vitest";
import { data, frame, ping, settings } from "../../../test/http2/support/raw-frames.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";

class Log implements FrameSink {
  over = false;
  readonly lines: string[] = [];

  onFrame(type: number, flags: number, stream: number, buffer: Buffer, from: number, to: number): void {
    this.lines.push(`frame ${type} ${flags} ${stream} ${buffer.toString("latin1", from, to)}`);
  }

  onDataFrame(flags: number, stream: number, content: number, padding: number): void {
    this.lines.push(`data ${flags} ${stream} ${content}+${padding}`);
  }

  onContent(buffer: Buffer, from: number, to: number, left: number): void {
    this.lines.push(`content ${buffer.toString("latin1", from, to)} ${left} left`);
  }

  onBadLength(type: number, stream: number, padding: boolean): void {
    this.lines.push(`bad ${type} ${stream} ${padding}`);
    this.over = true;
  }
}

function read(bytes: Buffer, pieces: readonly number[]): string[] {
  const log = new Log();
  const reader = new FrameReader(log, 16_384);
  let at = 0;
  for (const length of [...pieces, bytes.length]) {
    const end = Math.min(bytes.length, at + length);
    reader.read(bytes, at, end);
    at = end;
  }
  return log.lines;
}

describe("FrameReader", () => {
  const bytes = Buffer.concat([ping("abcdefgh"), data(1, "hello", { pad: 3 }), settings(), data(3, "", { end: true })]);

  it("gives whole frames as they are, and content apart from its padding", () => {
    expect(read(bytes, [])).toEqual([
      "frame 6 0 0 abcdefgh",
      "data 8 1 5+4",
      "content hello 0 left",
      "frame 4 0 0 ",
      "data 1 3 0+0",
    ]);
  });

  it("gives content piece by piece, and gathers the rest", () => {
    expect(read(bytes, [4, 10, 3, 12, 3])).toEqual([
      "frame 6 0 0 abcdefgh",
      "data 8 1 5+4",
      "content he 3 left",
      "content llo 0 left",
      "frame 4 0 0 ",
      "data 1 3 0+0",
    ]);
  });

  it("skips the payload of types that are not known", () => {
    expect(read(Buffer.concat([frame(200, 3, 5, "x".repeat(1000)), ping()]), [100])).toEqual([
      "frame 200 3 5 ",
      "frame 6 0 0 12345678",
    ]);
  });

  it("stops at a length that cannot be, and takes nothing behind it", () => {
    expect(read(Buffer.concat([frame(4, 0, 0, "", 16_385), ping()]), [])).toEqual(["bad 4 0 false"]);
    expect(read(Buffer.concat([frame(0, 8, 1, [9, 0]), ping()]), [10])).toEqual(["bad 0 1 true"]);
  });

  it("knows whether it is between two frames", () => {
    const reader = new FrameReader(new Log(), 16_384);
    expect(reader.atBoundary).toBe(true);
    for (let at = 0; at < bytes.length; at++) {
      reader.read(bytes, at, at + 1);
      const whole = [17, 35, 44, 53].includes(at + 1);
      expect([at, reader.atBoundary]).toEqual([at, whole]);
    }
  });
});
