import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { abuse } from "./cases/abuse.ts";
import { client } from "./cases/client.ts";
import { framing } from "./cases/framing.ts";
import { streams } from "./cases/streams.ts";
import { windowsAndSettings } from "./cases/windows-and-settings.ts";
import { RecordedConnection } from "./support/recorded-connection.ts";

const scripts = [
  ...[...framing, ...streams, ...windowsAndSettings, ...abuse].map((one) => ({ role: "server" as const, ...one })),
  ...client.map((one) => ({ role: "client" as const, ...one })),
];

/** Pieces of a body are joined: their borders are the only thing that depends on how bytes are cut. */
function joinPieces(events: readonly string[]): string[] {
  const joined: string[] = [];
  for (const event of events) {
    const [id, kind, length, end] = event.split(" ");
    const before = joined.at(-1)?.split(" ");
    if (kind === "data" && before?.[1] === "data" && before[0] === id && before[3] === undefined) {
      const sum = Number(before[2]) + Number(length);
      joined[joined.length - 1] = `${id} data ${sum}${end === undefined ? "" : " end"}`;
    } else joined.push(event);
  }
  return joined;
}

/** What a script makes of a connection when `cut` says how long each piece of the peer's bytes is. */
function play(script: (typeof scripts)[number], cut: () => number): { frames: string[]; events: string[] } {
  const { role, options, peerSettings, bare, steps } = script;
  const recorded =
    bare === true
      ? new RecordedConnection({ role, ...options })
      : RecordedConnection.established({ role, ...options }, peerSettings);
  for (const step of steps) {
    if (typeof step === "function") {
      step(recorded);
      continue;
    }
    for (let at = 0; at < step.length;) {
      const end = Math.min(step.length, at + cut());
      // Elsewhere in its buffer, which is overwritten afterwards: nothing may be kept of it.
      const buffer = Buffer.alloc(end - at + 5, 0xaa);
      step.copy(buffer, 3, at, end);
      recorded.connection.receive(buffer, 3, 3 + end - at);
      buffer.fill(0x55);
      at = end;
    }
  }
  // How much a WINDOW_UPDATE gives back depends on the pieces in which the user has consumed what came.
  const frames = recorded.frames().map((line) => line.replace(/^(WINDOW_UPDATE \d+) \d+$/, "$1"));
  return { frames, events: joinPieces(recorded.events) };
}

describe("bytes cut anywhere", () => {
  it.each([1, 2, 3, 9, 10, 11])("give the same in pieces of %i bytes", (length) => {
    for (const script of scripts) {
      const whole = play(script, () => Infinity);
      expect([script.name, play(script, () => length)]).toEqual([script.name, whole]);
    }
  });

  it("give the same in pieces of any lengths", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...scripts),
        fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 20_000 }))),
        (script, lengths) => {
          const whole = play(script, () => Infinity);
          expect(play(script, () => lengths.next().value!)).toEqual(whole);
        },
      ),
      { numRuns: 500 },
    );
  });
});
