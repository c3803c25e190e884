import { expect, it } from "vitest";
import { ClosedStreams } from "./closed-streams.ts";

it("remembers the last streams of each kind, and forgets older ones", () => {
  const closed = new ClosedStreams();
  for (let id = 1; id <= 999; id += 2) closed.addReset(id);
  // Ends that are none of errors do not push resets out.
  for (let id = 1001; id <= 9999; id += 2) closed.addEnded(id);
  expect([closed.wasReset(999), closed.wasReset(999 - 2 * 255), closed.wasReset(999 - 2 * 256)]).toEqual([
    true,
    true,
    false,
  ]);
  expect([closed.hasEnded(9999), closed.hasEnded(9999 - 2 * 63), closed.hasEnded(9999 - 2 * 64)]).toEqual([
    true,
    true,
    false,
  ]);
  expect([closed.wasReset(9999), closed.hasEnded(999)]).toEqual([false, false]);
});
