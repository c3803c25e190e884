import { flagNames, HealthFlag } from "../../shared-memory/health-flags.ts";
import * as L from "../../shared-memory/layout.ts";
import type { Check } from "../health/checked-server.ts";
import { durationText } from "../health/passive-reason.ts";
import type { NodeState } from "./node-state.ts";

/** The parts of the node that the health of a server is read from. */
export type HealthSources = Pick<NodeState, "scoreboard" | "clock" | "health">;

const F = HealthFlag;

/** What is known about a server's health, as JSON. Times are ISO texts, durations ms; what is not there is null. */
export function serverHealth(sources: HealthSources, slot: number) {
  const { scoreboard, clock, health } = sources;
  const board = scoreboard.health;
  const flags = board.flags(slot);
  const checked = health.checked(slot);
  /** A time of the shared clock as one for people. */
  const wall = (at: number) => isoTime(clock.wall() + at - clock.now());
  const failure = health.lastFailure(slot);
  const breaker = breakerState(flags);
  return {
    /** By active checks together; null without any. */
    state: checked?.state ?? null,
    flags: flagNames(flags),
    /** Why it gets no work, or less, in a few words; null when it is well. */
    reason: reasonNow(sources, slot),
    /** When its flags changed last. */
    since: wall(board.changedAt(slot)),
    checks: (checked?.checks ?? []).map(checkView),
    lastFailure: failure === undefined ? null : { at: isoTime(failure.at), reason: failure.reason },
    ejection:
      (flags & F.ejected) === 0
        ? null
        : {
            until: wall(board.ejectedUntil(slot)),
            reason: health.passiveReason(slot) ?? null,
            count: board.read(slot, L.EJECTIONS),
          },
    breaker: health.hasBreaker(slot)
      ? {
          state: breaker,
          failures: board.read(slot, L.BREAKER_FAILURES),
          openings: board.read(slot, L.BREAKER_OPENINGS),
          until: breaker === "open" ? wall(board.breakerUntil(slot)) : null,
        }
      : null,
  };
}

export type ServerHealthView = ReturnType<typeof serverHealth>;

function checkView({ config, health, details, target }: Check) {
  const { address } = target;
  return {
    type: config.type,
    target: address.kind === "unix" ? `unix:${address.path}` : hostPort(address.host, address.port),
    state: health.state,
    since: isoTime(health.since),
    consecutiveFailures: health.failures,
    consecutiveSuccesses: health.successes,
    lastCheckAt: isoTime(health.last?.at),
    /** ms. */
    lastLatency: health.last === undefined ? null : Math.round(health.last.latency * 10) / 10,
    lastOutcome: health.last?.outcome ?? null,
    lastReason: health.last?.reason ?? null,
    lastFailure:
      health.lastFailure === undefined
        ? null
        : { at: isoTime(health.lastFailure.at), reason: health.lastFailure.reason ?? null },
    details: details ?? null,
  };
}

/** What speaks against the server now, the gravest first. */
function reasonNow({ scoreboard, clock, health }: HealthSources, slot: number): string | null {
  const board = scoreboard.health;
  const flags = board.flags(slot);
  const has = (flag: number) => (flags & flag) !== 0;
  const left = (until: number) => durationText(Math.max(0, until - clock.now()));
  const worst = health.checked(slot)?.worst?.health;
  if (has(F.maintenance)) return "maintenance";
  if (has(F.draining)) return "draining";
  if (has(F.forcedDown)) return "forced down";
  if (has(F.forcedUp)) return "forced up";
  if (has(F.unreachable)) return because("unreachable", health.unreachableReason(slot));
  if (has(F.unhealthy)) return because("unhealthy", worst?.lastFailure?.reason);
  if (has(F.ejected)) return because(`ejected ${left(board.ejectedUntil(slot))}`, health.passiveReason(slot));
  if (has(F.breakerOpen)) return because(`breaker open ${left(board.breakerUntil(slot))}`, health.passiveReason(slot));
  if (has(F.breakerTrial)) return "breaker half-open";
  if (has(F.unknown)) return "waits for its first check";
  if (has(F.degraded)) return because("degraded", worst?.last?.reason);
  return null;
}

function because(what: string, reason: string | undefined): string {
  return reason === undefined ? what : `${what}: ${reason}`;
}

function breakerState(flags: number): "open" | "half-open" | "closed" {
  if ((flags & F.breakerOpen) !== 0) return "open";
  return (flags & F.breakerTrial) !== 0 ? "half-open" : "closed";
}

/** A time in ms since 1970 as ISO text; null for none. */
export function isoTime(at: number | undefined): string | null {
  return at === undefined || !Number.isFinite(at) ? null : new Date(at).toISOString();
}

function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
