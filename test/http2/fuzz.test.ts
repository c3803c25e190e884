import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { abuse } from "./cases/abuse.ts";
import type { Case } from "./cases/case.ts";
import { client } from "./cases/client.ts";
import { framing } from "./cases/framing.ts";
import { streams } from "./cases/streams.ts";
import { windowsAndSettings } from "./cases/windows-and-settings.ts";
import { RecordedConnection } from "./support/recorded-connection.ts";
import { block, frame, get, ok, preface, settings, splitFrames, type RawFrame } from "./support/raw-frames.ts";

type Role = "server" | "client";

/** Bytes of the peer in the scripted cases: what mutations start from. */
const seeds = (cases: readonly Case[]): Buffer[] =>
  cases.map(({ steps }) => Buffer.concat(steps.filter((step) => typeof step !== "function")));
const corpora = { server: seeds([...framing, ...streams, ...windowsAndSettings, ...abuse]), client: seeds(client) };

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

const smallStream = fc.constantFrom(0, 1, 1, 1, 2, 3, 3, 5, 7, 9, 11, 0x7fffffff, 0x80000001);

/** Frames that look nearly right. */
const randomFrame: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.oneof(fc.integer({ min: 0, max: 16 }), fc.integer({ min: 0, max: 255 })),
    fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 9, 13, 0x25, 0x2d), fc.integer({ min: 0, max: 255 })),
    smallStream,
    fc.oneof(
      bytes(40),
      fc.constantFrom(
        block(get),
        block(ok),
        Buffer.alloc(4),
        Buffer.from([0, 0, 0, 1]),
        Buffer.from([0x7f, 255, 255, 255]),
      ),
      fc.integer({ min: 0, max: 17_000 }).map((length) => Buffer.alloc(length, 7)),
    ),
  )
  .map(([type, flags, stream, payload]) => frame(type, flags, stream, payload));

type Change = { kind: number; at: number; value: number };
const changes = fc.array(
  fc.record({ kind: fc.integer({ min: 0, max: 5 }), at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) }),
  { minLength: 1, maxLength: 6 },
);

/** The frames with bytes, flags, lengths and whole frames changed, doubled, moved or left out. */
function mutate(seed: Buffer, all: readonly Change[]): Buffer {
  let text: Buffer = Buffer.from(seed);
  for (const { kind, at, value } of all) {
    if (text.length === 0) break;
    const place = at % text.length;
    if (kind === 0) text[place] = value;
    else if (kind === 1) text[place] ^= 1 << (value & 7);
    else if (kind === 2) text = Buffer.concat([text.subarray(0, place), Buffer.from([value]), text.subarray(place)]);
    else if (kind === 3) text = Buffer.concat([text.subarray(0, place), text.subarray(place + (value % 12))]);
    else text = swapFrames(text, at, value, kind === 4);
  }
  return text;
}

function swapFrames(text: Buffer, at: number, value: number, twice: boolean): Buffer {
  let frames: RawFrame[];
  try {
    frames = splitFrames(text);
  } catch {
    return text;
  }
  if (frames.length < 2) return text;
  const [one] = frames.splice(at % frames.length, twice ? 0 : 1);
  const moved = one ?? frames[at % frames.length];
  frames.splice(value % (frames.length + 1), 0, moved);
  return Buffer.concat(frames.map(({ type, flags, stream, payload }) => frame(type, flags, stream, payload)));
}

/** What must hold whatever has come, in the middle of it as well as at the end. */
function checkState(recorded: RecordedConnection, role: Role): void {
  const { connection, events } = recorded;
  const output = recorded.output();
  const start = output.subarray(0, preface.length).equals(preface) ? preface.length : 0;
  const frames = splitFrames(output.subarray(start));
  const errors = events.filter((event) => event.startsWith("error "));
  expect(errors.length).toBe(connection.over ? 1 : 0);
  // The last thing that is said is why.
  if (connection.over && frames.length > 0) expect(frames.at(-1)!.type).toBe(7);
  for (const [id, { stream }] of recorded.users) {
    const ends = events.filter((event) => event.startsWith(`${id} `) && event.endsWith(" end"));
    const resets = events.filter((event) => event.startsWith(`${id} reset`));
    expect(ends.length).toBeLessThanOrEqual(1);
    expect(resets.length).toBeLessThanOrEqual(1);
    if (resets.length === 1) expect(stream.closed).toBe(true);
    if (connection.over) expect(stream.closed).toBe(true);
    if (stream.closed) expect(stream.unsent).toBe(0);
  }
  expect(connection.queuedBytes).toBe([...recorded.users.values()].reduce((sum, { stream }) => sum + stream.unsent, 0));
  const open = [...recorded.users.values()].filter(({ stream }) => !stream.closed).length;
  expect(connection.streamCount).toBe(role === "client" ? open : recorded.users.size);
  expect(open).toBeLessThanOrEqual(10);
}

function play(role: Role, bare: boolean, pieces: readonly Buffer[]): void {
  const recorded = bare ? new RecordedConnection({ role }) : RecordedConnection.established({ role }, { 4: 100 });
  if (role === "client") {
    recorded.request(get, true);
    recorded.request(get, false).sendData(Buffer.alloc(500), false);
    recorded.frames();
  }
  let answered = 0;
  for (const piece of pieces) {
    recorded.feed(piece);
    // Whoever has asked gets an answer that is longer than its window.
    for (const { stream } of recorded.users.values()) {
      if (role === "client" || stream.closed || stream.sendingEnded || stream.id <= answered) continue;
      answered = stream.id;
      recorded.head(stream, ok, false);
      stream.sendData(Buffer.alloc(300), true);
    }
    checkState(recorded, role);
  }
}

const runs = Number(process.env.FUZZ_RUNS ?? 3000);

describe.each(["server", "client"] as const)("%s", (role) => {
  it("never throws at random frames, and always stays consistent", () => {
    fc.assert(
      fc.property(fc.array(randomFrame, { maxLength: 30 }), fc.boolean(), (frames, bare) => {
        const first = role === "server" ? [preface, settings()] : [settings()];
        play(role, bare, bare ? [...first, ...frames] : frames);
      }),
      { numRuns: runs },
    );
  }, 600_000);

  it("never throws at scripts that were changed, and always stays consistent", () => {
    fc.assert(
      fc.property(fc.constantFrom(...corpora[role]), changes, fc.integer({ min: 1, max: 4000 }), (seed, all, cut) => {
        const text = mutate(seed, all);
        const pieces = Array.from({ length: Math.ceil(text.length / cut) }, (_, index) =>
          text.subarray(index * cut, (index + 1) * cut),
        );
        play(role, false, pieces.slice(0, 200));
      }),
      { numRuns: runs },
    );
  }, 600_000);

  it("never throws at noise", () => {
    fc.assert(
      fc.property(fc.array(bytes(300), { maxLength: 5 }), fc.boolean(), (pieces, bare) => play(role, bare, pieces)),
      { numRuns: runs / 3 },
    );
  }, 600_000);
});
