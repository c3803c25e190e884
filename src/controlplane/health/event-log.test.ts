import { describe, expect, it } from "vitest";
import { EventLines } from "./event-lines.ts";
import { EventLog } from "./event-log.ts";
import { changesOf, eventText, type NewHealthEvent } from "./health-event.ts";
import { HealthFlag as F } from "../../shared-memory/health-flags.ts";
import { LOG_BURST, LOG_RATE, MAX_EVENTS } from "./limits.ts";

const event = (server = "s"): NewHealthEvent => {
  return { at: 0, pool: "p", server, what: "unhealthy", reason: "status 500", ready: false };
};

describe("the log of events", () => {
  it("numbers them and keeps the latest", () => {
    const log = new EventLog();
    expect(log.since(0)).toEqual([]);
    for (let i = 1; i <= MAX_EVENTS + 50; i++) log.add(event(`s${i}`));
    expect(log.lastId).toBe(MAX_EVENTS + 50);
    expect(log.since(0).map(({ id }) => id)).toEqual(Array.from({ length: MAX_EVENTS }, (_, i) => i + 51));
    expect(log.since(MAX_EVENTS + 48).map(({ server }) => server)).toEqual([
      `s${MAX_EVENTS + 49}`,
      `s${MAX_EVENTS + 50}`,
    ]);
    expect(log.since(MAX_EVENTS + 50)).toEqual([]);
    expect(log.since(10 * MAX_EVENTS)).toEqual([]);
  });

  it("tells listeners until they leave, and goes on when one throws", () => {
    const log = new EventLog();
    const heard: number[] = [];
    log.subscribe(() => {
      throw new Error("a bug in a listener");
    });
    const leave = log.subscribe(({ id }) => heard.push(id));
    log.add(event());
    log.add(event());
    leave();
    log.add(event());
    expect(heard).toEqual([1, 2]);
  });
});

describe("lines of the log", () => {
  it("are warnings for what is bad, and say why", () => {
    const lines: string[] = [];
    const clock = { now: () => 0, wall: () => 0 };
    const writer = new EventLines(clock, (level, message) => lines.push(`${level}: ${message}`));
    writer.write(event());
    writer.write({ ...event(), what: "breaker_closed", reason: undefined });
    writer.write({ ...event(), server: undefined, what: "pool_failed", reason: "0 of 3 servers ready" });
    expect(lines).toEqual([
      "warn: server s of pool p: unhealthy (status 500)",
      "info: server s of pool p: breaker closed",
      "warn: pool p: failed (0 of 3 servers ready)",
    ]);
  });

  it("are not written for each of a flood; what was left out is counted", () => {
    let now = 0;
    const lines: string[] = [];
    const writer = new EventLines({ now: () => now, wall: () => now }, (_level, message) => lines.push(message));
    const seconds = 60;
    for (let tick = 0; tick < seconds * 10; tick++) {
      for (let i = 0; i < 100; i++) writer.write(event());
      writer.tick();
      now += 100;
    }
    expect(lines.length).toBeLessThanOrEqual(LOG_BURST + LOG_RATE * seconds + seconds / 10);
    const left = lines.flatMap((line) => /^(\d+) further changes/.exec(line)?.[1] ?? []).map(Number);
    expect(left.length).toBeGreaterThan(3);
    const written = lines.length - left.length;
    expect(written + left.reduce((a, b) => a + b, 0)).toBeGreaterThan(50_000);
  });
});

describe("what operators say", () => {
  it("has no second line, for the action has written one", () => {
    const lines: string[] = [];
    const writer = new EventLines({ now: () => 0, wall: () => 0 }, (_level, message) => lines.push(message));
    writer.write({ ...event(), what: "draining", reason: undefined });
    writer.write({ ...event(), what: "force_ended", reason: undefined });
    expect(lines).toEqual([]);
  });
});

describe("a line about a pool", () => {
  it("is written although the servers have used up their lines", () => {
    const lines: string[] = [];
    const writer = new EventLines({ now: () => 0, wall: () => 0 }, (_level, message) => lines.push(message));
    for (let i = 0; i <= LOG_BURST; i++) writer.write(event());
    expect(lines).toHaveLength(LOG_BURST);
    writer.write({ ...event(), server: undefined, what: "pool_failed", reason: "0 of 3 servers ready" });
    expect(lines.at(-1)).toBe("pool p: failed (0 of 3 servers ready)");
  });
});

describe("what changes of flags mean", () => {
  it.each([
    [0, F.unhealthy, ["unhealthy"]],
    [0, F.unhealthy | F.unreachable, ["unreachable", "unhealthy"]],
    [F.unhealthy | F.unreachable, F.unhealthy, ["reachable"]],
    [F.unhealthy, 0, ["healthy"]],
    [F.unknown, 0, ["healthy"]],
    [F.unknown, F.unhealthy, ["unhealthy"]],
    [0, F.unknown, []],
    [F.unhealthy, F.degraded, ["degraded"]],
    [F.degraded, F.unhealthy, ["unhealthy"]],
    [0, F.ejected, ["ejected"]],
    [F.ejected, 0, ["returned"]],
    [0, F.breakerOpen, ["breaker_open"]],
    [F.breakerOpen, F.breakerTrial, ["breaker_half_open"]],
    [F.breakerTrial, F.breakerOpen, ["breaker_open"]],
    [F.breakerTrial, 0, ["breaker_closed"]],
    [0, F.draining, ["draining"]],
    [F.draining, F.maintenance, ["drain_ended", "maintenance"]],
    [0, F.forcedUp, ["forced_up"]],
    [F.forcedUp, F.forcedDown, ["forced_down"]],
    [F.forcedDown, 0, ["force_ended"]],
  ])("from %i to %i: %j", (before, after, changes) => {
    expect(changesOf(before, after)).toEqual(changes);
  });

  it("reads well", () => {
    expect(eventText({ ...event(), what: "breaker_half_open", reason: undefined })).toBe(
      "server s of pool p: breaker half open",
    );
  });
});
