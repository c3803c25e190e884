import { expect, it } from "vitest";
import { AbuseMeter } from "./abuse-meter.ts";

const limits = {
  maxResets: 2,
  maxPings: 3,
  maxSettings: 4,
  maxContinuations: 0,
  maxEmptyFrames: 5,
  maxQueuedReplies: 0,
};

it.each([
  ["reset", 2],
  ["ping", 3],
  ["settings", 4],
  ["empty", 5],
] as const)("%s: %i in 10 s are taken, each kind for itself", (kind, limit) => {
  let now = 123_456;
  const meter = new AbuseMeter(limits, () => now);
  for (let window = 0; window < 3; window++) {
    for (const other of ["reset", "ping"] as const) if (other !== kind) meter[other]();
    for (let i = 0; i < limit; i++) {
      expect(meter[kind]()).toBe(false);
      now += 1000;
    }
    expect(meter[kind]()).toBe(true);
    now += 10_000;
  }
});
