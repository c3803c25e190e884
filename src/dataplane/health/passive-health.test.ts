import { describe, expect, it, vi } from "vitest";
import { errors } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { PassiveReason } from "../../shared-memory/health-board.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { passiveWorkers } from "./passive-health.fixture.ts";
import { PassiveHealth } from "./passive-health.ts";

const { ejected, unreachable, unhealthy, breakerOpen, breakerTrial } = HealthFlag;

/** Several answers in a row to one worker. */
function answers(to: PassiveHealth, slot: number, now: number, ...statuses: number[]): void {
  for (const status of statuses) to.answered(slot, status, now, false);
}

describe("errors in a row", () => {
  it("eject a server, whichever workers see them", () => {
    const { a, b, health } = passiveWorkers(3);
    answers(a, 1, 1000, 500, 501, 505);
    answers(b, 1, 1000, 500);
    expect(health.flags(1)).toBe(0);
    answers(a, 1, 1000, 500);
    expect([health.flags(1), health.reason(1)]).toEqual([ejected, PassiveReason.consecutiveErrors]);
  });

  it("begin anew with any success, in any worker", () => {
    const { a, b, health } = passiveWorkers(3);
    for (const status of [200, 101, 304, 404, 499]) {
      answers(a, 1, 1000, 500, 500, 500, 500);
      answers(b, 1, 1000, status);
    }
    expect(health.flags(1)).toBe(0);
    answers(a, 1, 1000, 500, 500, 500, 500, 500);
    expect(health.flags(1)).toBe(ejected);
  });

  it("of a gateway have a count of their own, which other errors interrupt", () => {
    const { a, health } = passiveWorkers(20, { outlierDetection: { consecutiveErrors: 0, maxEjected: "50%" } });
    answers(a, 1, 1000, 502, 503, 504, 502, 500, 502, 503, 504, 502);
    expect(health.flags(1)).toBe(0);
    answers(a, 1, 1000, 504);
    expect([health.flags(1), health.reason(1)]).toEqual([ejected, PassiveReason.gatewayErrors]);
    for (const error of [
      errors.connectionLost,
      errors.badResponse,
      errors.responseTimeout,
      errors.responseTruncated,
      errors.responseBodyTimeout,
    ]) {
      expect(health.flags(2)).toBe(0);
      a.failed(2, error, 1000, false);
    }
    expect([health.flags(2), health.reason(2)]).toEqual([ejected, PassiveReason.gatewayErrors]);
  });

  it("are none where the server is not to blame", () => {
    const { a, health } = passiveWorkers(3);
    for (let i = 0; i < 20; i++) {
      a.failed(1, errors.overloaded, 1000, false);
      a.failed(1, errors.serverRemoved, 1000, false);
      a.failed(1, errors.clientGone, 1000, false);
      a.failed(1, errors.bodyTimeout, 1000, false);
      a.failed(1, errors.filterFailed, 1000, false);
    }
    expect(health.flags(1)).toBe(0);
  });

  it("are not counted where the rule or all of outlier detection is off", () => {
    const noRule = passiveWorkers(3, { outlierDetection: { consecutiveErrors: 0, consecutiveGatewayErrors: 0 } });
    const off = passiveWorkers(3, { outlierDetection: "off" });
    for (const { a, health } of [noRule, off]) {
      for (let i = 0; i < 50; i++) answers(a, 1, 1000, 500, 503);
      expect(health.flags(1)).toBe(0);
    }
    off.a.connectFailed(1, "ECONNREFUSED", 1000);
    expect(off.health.flags(1)).toBe(0);
  });

  it("after a return are counted from nothing", () => {
    const { a, health } = passiveWorkers(3);
    answers(a, 1, 1000, 500, 500, 500, 500, 500, 500, 500);
    a.tick(40_000);
    expect(health.flags(1)).toBe(0);
    answers(a, 1, 40_000, 500, 500, 500, 500);
    expect(health.flags(1)).toBe(0);
    answers(a, 1, 40_000, 500);
    expect(health.flags(1)).toBe(ejected);
  });

  it("that may not eject begin anew, and do it when the limits allow it again", () => {
    const { a, health } = passiveWorkers(3);
    answers(a, 0, 1000, 500, 500, 500, 500, 500);
    answers(a, 1, 1000, ...Array.from({ length: 12 }, () => 500));
    expect([health.flags(0), health.flags(1)]).toEqual([ejected, 0]);
    a.tick(31_000);
    expect(health.flags(0)).toBe(0);
    // Two of the twelve were counted when the first server came back.
    answers(a, 1, 31_000, 500, 500);
    expect(health.flags(1)).toBe(0);
    answers(a, 1, 31_000, 500);
    expect(health.flags(1)).toBe(ejected);
  });
});

describe("errors within a window", () => {
  const rule = { consecutiveErrors: 0, consecutiveGatewayErrors: 0, errorThreshold: 10, errorWindow: "60s" };

  it("eject a server, in a row or not", () => {
    const { a, b, health } = passiveWorkers(3, { outlierDetection: rule });
    for (let i = 1; i <= 9; i++) {
      answers(i % 2 === 0 ? a : b, 1, i * 5000, 200, 500, 200);
      expect(health.flags(1)).toBe(0);
    }
    answers(a, 1, 50_000, 500);
    expect([health.flags(1), health.reason(1)]).toEqual([ejected, PassiveReason.errorWindow]);
  });

  it("do not where they are spread over longer", () => {
    const { a, health } = passiveWorkers(3, { outlierDetection: rule });
    for (let i = 1; i <= 1000; i++) answers(a, 1, i * 7000, 500);
    expect(health.flags(1)).toBe(0);
  });
});

describe("a failed connect", () => {
  it.each(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"])("with %s counts at once, limits or not", (code) => {
    const { a, health } = passiveWorkers(1);
    a.connectFailed(0, code, 1000);
    expect(health.flags(0)).toBe(unreachable);
    expect(health.reason(0)).toBe(code === "ECONNREFUSED" ? PassiveReason.refused : PassiveReason.unreachable);
  });

  it.each(["EMFILE", "ENFILE", "EADDRNOTAVAIL", "ENOBUFS", "ENOMEM", "EACCES", "EPERM", "EAGAIN"])(
    "with %s is never the server's fault",
    (code) => {
      const { a, health } = passiveWorkers(3, { circuitBreaker: {} });
      for (let i = 0; i < 100; i++) a.connectFailed(1, code, 1000);
      expect(health.flags(1)).toBe(0);
    },
  );

  it("by timeout counts when it cannot be a lost packet any more", () => {
    const long = passiveWorkers(1);
    long.a.connectFailed(0, "timeout", 1000);
    expect(long.health.flags(0)).toBe(0);
    long.b.connectFailed(0, "timeout", 1000);
    expect([long.health.flags(0), long.health.reason(0)]).toEqual([unreachable, PassiveReason.connectTimeout]);
    const short = passiveWorkers(1, { upstream: { connectTimeout: "100ms" } });
    for (let i = 0; i < 5; i++) short.a.connectFailed(0, "timeout", 1000);
    expect(short.health.flags(0)).toBe(0);
    short.a.connectFailed(0, "timeout", 1000);
    expect(short.health.flags(0)).toBe(unreachable);
  });

  it("by timeout is forgotten with a connection or an answer", () => {
    const { a, b, health } = passiveWorkers(1);
    a.connectFailed(0, "timeout", 1000);
    b.connected(0, 1000);
    a.connectFailed(0, "timeout", 1000);
    answers(b, 0, 1000, 200);
    a.connectFailed(0, "timeout", 1000);
    expect(health.flags(0)).toBe(0);
  });

  it("without a known cause needs a second one", () => {
    const { a, health } = passiveWorkers(1);
    a.connectFailed(0, undefined, 1000);
    expect(health.flags(0)).toBe(0);
    a.connectFailed(0, "ECONNRESET", 1000);
    expect([health.flags(0), health.reason(0)]).toEqual([unreachable, PassiveReason.unreachable]);
  });

  it("is told from one with which TLS does not come about", () => {
    const { a, health } = passiveWorkers(2);
    a.connectFailed(0, "CERT_HAS_EXPIRED", 1000);
    for (let i = 0; i < 2; i++) a.connectFailed(1, "ERR_SSL_WRONG_VERSION_NUMBER", 1000);
    for (const slot of [0, 1])
      expect([health.flags(slot), health.reason(slot)]).toEqual([unreachable, PassiveReason.handshake]);
  });

  it("is over with the first connection, or when its time is over", () => {
    const { main, a, b, health } = passiveWorkers(1);
    a.connectFailed(0, "ECONNREFUSED", 1000);
    a.tick(1050);
    b.connected(0, 2000);
    expect(health.flags(0)).toBe(0);
    expect(main.readySince(0)).toBe(2000);
    a.connectFailed(0, "ECONNREFUSED", 3000);
    b.tick(29_000);
    expect(health.flags(0)).toBe(unreachable);
    b.tick(33_000);
    expect(health.flags(0)).toBe(0);
  });
});

describe("the tick", () => {
  it("brings an ejected server back once, in whichever worker it comes first", () => {
    const { main, a, b, health } = passiveWorkers(3);
    answers(a, 1, 1000, 500, 500, 500, 500, 500);
    const until = health.ejectedUntil(1);
    expect(until).toBeGreaterThanOrEqual(28_000);
    a.tick(until - 1);
    expect(health.flags(1)).toBe(ejected);
    b.tick(until);
    a.tick(until + 1);
    expect(health.flags(1)).toBe(0);
    expect(main.readySince(1)).toBe(until);
  });

  it("leaves what others have found", () => {
    const { a, health } = passiveWorkers(3);
    health.set(1, unhealthy | unreachable, 1000);
    answers(a, 1, 1000, 500);
    a.tick(1e9);
    expect(health.flags(1)).toBe(unhealthy | unreachable);
  });

  it("lifts what a reload has turned off", () => {
    const { a, health } = passiveWorkers(3, { outlierDetection: "off" });
    health.setEjectedUntil(0, 1e9);
    health.setBreakerUntil(1, 1e9);
    health.set(0, ejected, 1000);
    health.set(1, breakerOpen, 1000);
    health.set(2, breakerTrial, 1000);
    a.tick(2000);
    expect([0, 1, 2].map((slot) => health.flags(slot))).toEqual([0, 0, 0]);
    expect(health.changedAt(0)).toBe(2000);
  });

  it("looks at all servers only when the state of one has changed, else at those that are out", () => {
    const { main, config } = passiveWorkers(1000);
    const scoreboard = Scoreboard.attach(main.handle, 0);
    const slots = Array.from({ length: 1000 }, (_, slot) => slot);
    const passive = new PassiveHealth({ config, slots, scoreboard, random: seededRandom(1) });
    const looks = vi.spyOn(scoreboard.health, "flags");
    passive.tick(1000);
    expect(looks).toHaveBeenCalledTimes(1000);
    looks.mockClear();
    for (let now = 1050; now < 2000; now += 50) passive.tick(now);
    expect(looks).not.toHaveBeenCalled();
    passive.connectFailed(7, "ECONNREFUSED", 2000);
    passive.tick(2000);
    looks.mockClear();
    passive.tick(2050);
    expect(new Set(looks.mock.calls.flat())).toEqual(new Set([7]));
  });
});

describe("the circuit breaker", () => {
  const pool = { outlierDetection: "off", circuitBreaker: {} };

  it("opens with failures of every kind, and closes after successful trials", () => {
    const { a, b, health } = passiveWorkers(1, pool);
    answers(a, 0, 1000, 500, 503);
    b.failed(0, errors.connectionLost, 1000, false);
    b.connectFailed(0, "ECONNREFUSED", 1000);
    expect(health.flags(0)).toBe(0);
    a.connectFailed(0, "timeout", 1000);
    expect(health.flags(0)).toBe(breakerOpen);
    a.tick(60_999);
    expect([health.flags(0), a.tryTrial(0)]).toEqual([breakerOpen, false]);
    a.tick(61_000);
    expect(health.flags(0)).toBe(breakerTrial);
    expect([a.tryTrial(0), a.tryTrial(0), b.tryTrial(0), b.tryTrial(0)]).toEqual([true, true, true, false]);
    a.answered(0, 200, 62_000, true);
    a.endTrial(0);
    b.answered(0, 404, 62_000, true);
    expect(health.flags(0)).toBe(breakerTrial);
    expect(b.tryTrial(0)).toBe(true);
    b.answered(0, 200, 62_000, true);
    expect(health.flags(0)).toBe(0);
  });

  it("opens again with a failed trial, but not with one that nobody can be blamed for", () => {
    const { a, health } = passiveWorkers(1, pool);
    answers(a, 0, 1000, 500, 500, 500, 500, 500);
    a.tick(61_000);
    for (const error of [errors.clientGone, errors.connectTimeout, errors.serverRemoved]) {
      expect(a.tryTrial(0)).toBe(true);
      a.failed(0, error, 61_000, true);
    }
    expect(health.flags(0)).toBe(breakerTrial);
    expect([a.tryTrial(0), a.tryTrial(0), a.tryTrial(0)]).toEqual([true, true, true]);
    a.failed(0, errors.responseTimeout, 62_000, true);
    expect(health.flags(0)).toBe(breakerOpen);
    a.answered(0, 200, 62_000, true);
    a.answered(0, 500, 62_000, true);
    a.tick(122_000);
    expect([a.tryTrial(0), a.tryTrial(0), a.tryTrial(0), a.tryTrial(0)]).toEqual([true, true, true, false]);
  });

  it("is beside outlier detection: each has its own counts and its own end", () => {
    const { a, health } = passiveWorkers(3, { circuitBreaker: { failureThreshold: 3, recoveryTimeout: "10s" } });
    answers(a, 1, 1000, 500, 500, 500, 500, 500);
    // Open since the third error: nothing is left for outlier detection to take out.
    expect(health.flags(1)).toBe(breakerOpen);
    a.tick(11_000);
    expect(health.flags(1)).toBe(breakerTrial);
  });
});
