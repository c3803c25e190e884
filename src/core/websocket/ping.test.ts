import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { controlFrame } from "./control-frame.ts";
import { Liveness } from "./liveness.ts";
import { pingFrame, pongLength } from "./ping-frame.ts";

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

describe("pings", () => {
  it("are frames as RFC 6455 has them", () => {
    expect([...pingFrame(0x01020304)]).toEqual([0x89, 4, 1, 2, 3, 4]);
    expect([...pingFrame(0x01020304, 0xf0f0f0f0)]).toEqual([
      0x89, 0x84, 0xf0, 0xf0, 0xf0, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4,
    ]);
  });

  it("are answered by Pongs with their payload, whatever stands around these", () => {
    fc.assert(
      fc.property(
        uint32,
        uint32,
        fc.boolean(),
        fc.uint8Array(),
        fc.uint8Array(),
        (payload, key, masked, left, right) => {
          const pong = controlFrame(10, pingFrame(payload).subarray(2), masked ? key : undefined);
          const bytes = Uint8Array.from([...left, ...pong, ...right]);
          const end = left.length + pong.length;
          expect(pongLength(bytes, left.length, bytes.length, masked, payload)).toBe(pong.length);
          expect(pongLength(bytes, left.length, end, masked, payload)).toBe(pong.length);
          expect(pongLength(bytes, left.length, end - 1, masked, payload)).toBe(0);
          expect(pongLength(bytes, left.length, bytes.length, masked, payload ^ 1)).toBe(0);
          expect(pongLength(bytes, left.length, bytes.length, !masked, payload)).toBe(0);
        },
      ),
    );
  });

  it("are not answered by other frames", () => {
    const payload = pingFrame(7).subarray(2);
    for (const frame of [
      pingFrame(7),
      controlFrame(10, new Uint8Array(0)),
      controlFrame(10, new Uint8Array(5)),
      payload,
    ])
      expect(pongLength(frame, 0, frame.length, false, 7)).toBe(0);
  });
});

describe("Liveness", () => {
  it("asks after a silence, and gives up after another one", () => {
    const side = new Liveness(1000, 0);
    expect([side.due, side.check(999, 0, false), side.check(1000, 0, false)]).toEqual([1000, "wait", "ask"]);
    side.ask(1000, 0);
    expect([side.due, side.check(1999, 0, false), side.check(2000, 0, false)]).toEqual([2000, "wait", "gone"]);
  });

  it("is content with anything that comes, in the very tick of the question even", () => {
    const side = new Liveness(1000, 0);
    side.ask(1000, 0);
    side.heardAt = 1000;
    expect([side.asked, side.due, side.check(1999, 0, false), side.check(2000, 0, false)]).toEqual([
      false,
      2000,
      "wait",
      "ask",
    ]);
  });

  it("does not count a silence that is our own", () => {
    const side = new Liveness(1000, 0);
    expect([side.check(1000, 0, true), side.due]).toEqual(["wait", 2000]);
    side.ask(2000, 0);
    expect([side.check(3000, 0, true), side.asked]).toEqual(["wait", false]);
  });

  it("is patient with who takes what was written, and not with who takes nothing", () => {
    const side = new Liveness(1000, 0);
    side.ask(1000, 500);
    expect(side.check(2000, 300, false)).toBe("wait");
    side.ask(3000, 300);
    expect(side.check(4000, 300, false)).toBe("gone");
  });

  it("asked in the same tick in which something came, it was asked", () => {
    const side = new Liveness(1000, 5000);
    side.ask(5000, 0);
    expect(side.asked).toBe(true);
  });
});
