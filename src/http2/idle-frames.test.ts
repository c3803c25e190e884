import { expect, it } from "vitest";
import { IdleFrames } from "./idle-frames.ts";

const add = (frames: IdleFrames, count: number, useful: number): boolean => {
  let exceeded = false;
  for (let i = 0; i < count; i++) exceeded = frames.add(useful);
  return exceeded;
};

it("a limited number of frames that move nothing is taken in 10 s", () => {
  let now = 5000;
  const frames = new IdleFrames(20, () => now);
  expect(add(frames, 20, 0)).toBe(false);
  expect(add(frames, 1, 0)).toBe(true);
  now += 10_000;
  expect(add(frames, 20, 0)).toBe(false);
  expect(add(frames, 1, 0)).toBe(true);
});

it("four more are taken for each useful frame, of this window and of the one before", () => {
  let now = 0;
  const frames = new IdleFrames(20, () => now);
  expect(add(frames, 1, 0)).toBe(false);
  expect(add(frames, 19 + 4 * 100, 100)).toBe(false);
  now = 10_000;
  expect(add(frames, 20 + 4 * 100, 100)).toBe(false);
  expect(add(frames, 1, 100)).toBe(true);
  now = 20_000;
  expect(add(frames, 20, 100)).toBe(false);
  expect(add(frames, 1, 100)).toBe(true);
});
