import type { PoolConfig } from "../config/schema.ts";
import { absenceLength, ejectionLength, ejectionsAt, jittered, mostEjected } from "../core/health/ejection-rules.ts";
import type { Random } from "../core/random.ts";
import { forgetFailures } from "./failure-counts.ts";
import { PassiveReason, type HealthBoard } from "./health-board.ts";
import { HealthFlag, takesNewWork } from "./health-flags.ts";
import * as L from "./layout.ts";
import type { Scoreboard } from "./scoreboard.ts";

/** What is asked of `eject`. */
export interface EjectionRequest {
  readonly scoreboard: Scoreboard;
  /** All servers of the pool: the limits are about them. */
  readonly slots: readonly number[];
  /** The one to eject. */
  readonly slot: number;
  readonly config: Pick<PoolConfig, "outlierDetection" | "minimumHealthy">;
  readonly reason: PassiveReason;
  /** `Clock.now()`. */
  readonly now: number;
  readonly random: Random;
}

/**
 * What became of it: done; forbidden by `maxEjected` or `minimumHealthy`; needless, because the server gets no work
 * anyway or an operator has forced it up; or the lock could not be had, and nothing was decided.
 */
export type EjectionResult = "ejected" | "forbidden" | "needless" | "busy";

/**
 * Leaves a server out for a time, if the pool's limits allow it: at most `maxEjected` of its servers at a time but at
 * least one, and never so that fewer than `minimumHealthy` stay ready. Exact over all threads. What had been counted
 * against the server starts over whatever the answer is, unless that is "busy".
 */
export function tryEject(request: EjectionRequest): EjectionResult {
  const { scoreboard, slots, slot, config, reason, now, random } = request;
  const { health } = scoreboard;
  const settings = config.outlierDetection;
  if (settings === false) return "forbidden";
  if (!health.lock()) return "busy";
  try {
    forgetFailures(health, slot);
    const flags = health.flags(slot);
    if (!takesNewWork(flags) || (flags & (HealthFlag.forcedUp | HealthFlag.ejected)) !== 0) return "needless";
    if (!withinLimits(health, slots, settings.maxEjected, config.minimumHealthy)) return "forbidden";
    const count = ejections(health, slot, settings.ejectionTime, now) + 1;
    health.write(slot, L.EJECTIONS, count);
    health.setReason(slot, reason);
    // Before the flag: whoever sees the flag goes by the times.
    health.setEjectedAt(slot, now);
    health.setEjectedUntil(slot, now + ejectionLength(settings, count, random));
    health.set(slot, HealthFlag.ejected, now);
    return "ejected";
  } finally {
    health.unlock();
  }
}

/** As `tryEject`; true when the server was ejected by this call. */
export function eject(request: EjectionRequest): boolean {
  return tryEject(request) === "ejected";
}

/** How often in a row the server counts as ejected now; it falls by one for each `ejectionTime` without ejection. */
export function ejections(health: HealthBoard, slot: number, ejectionTime: number, now: number): number {
  return ejectionsAt(health.read(slot, L.EJECTIONS), health.ejectedUntil(slot), ejectionTime, now);
}

/** Brings an ejected server back if its time is over. True for the one caller that did. */
export function endEjection(health: HealthBoard, slot: number, now: number): boolean {
  if (health.ejectedUntil(slot) > now || !health.lock()) return false;
  try {
    // Once more, now that nobody else can eject it again.
    if (health.ejectedUntil(slot) > now) return false;
    forgetFailures(health, slot);
    return health.clear(slot, HealthFlag.ejected, now);
  } finally {
    health.unlock();
  }
}

/**
 * Brings a server back that was ejected for its silence and has said something since: then it was only busy. True for
 * the one caller that did.
 *
 * @param heardAt when the server was last heard
 */
export function endSilence(health: HealthBoard, slot: number, heardAt: number, now: number): boolean {
  if (!wasSilentUntil(health, slot, heardAt) || !health.lock()) return false;
  try {
    if (!wasSilentUntil(health, slot, heardAt)) return false;
    if (health.ejectedUntil(slot) > now) health.setEjectedUntil(slot, now);
    return health.clear(slot, HealthFlag.ejected, now);
  } finally {
    health.unlock();
  }
}

function wasSilentUntil(health: HealthBoard, slot: number, heardAt: number): boolean {
  return health.reason(slot) === PassiveReason.silence && heardAt > health.ejectedAt(slot);
}

/** What is told to `setUnreachable`. */
export interface UnreachableFinding {
  readonly health: HealthBoard;
  readonly slot: number;
  readonly reason: PassiveReason;
  /** Whether it was ejected for this, so that being unreachable takes the place of the ejection. */
  readonly endsEjection?: boolean;
  /** Time in ms after which traffic tries again, if nothing else has found the server reachable by then. */
  readonly time: number;
  readonly now: number;
  readonly random: Random;
}

/**
 * No connection can be made to the server: a fact, so there is no limit. Each further finding puts the next try off. A
 * refused connection ends an ejection: the process that was ejected is gone, and the next one begins anew. True when the
 * server was not known to be unreachable.
 */
export function setUnreachable(finding: UnreachableFinding): boolean {
  const { health, slot, reason, time, now, random } = finding;
  const until = now + jittered(time, random);
  health.setUnreachableUntil(slot, until);
  const ends = reason === PassiveReason.refused || finding.endsEjection === true ? HealthFlag.ejected : 0;
  if (ends !== 0 && health.ejectedUntil(slot) > now) health.setEjectedUntil(slot, now);
  if ((health.flags(slot) & HealthFlag.unreachable) === 0) health.setReason(slot, reason);
  const changed = health.update(slot, HealthFlag.unreachable, ends, now);
  if (changed) holdBack(health, slot, time, now);
  // Again: one who cleared the flag at the same time has cleared the time.
  if (changed) health.setUnreachableUntil(slot, until);
  health.write(slot, L.CONNECT_DOUBTS, 0);
  return changed;
}

/** One that comes and goes is kept out for a growing time, so that it does not make the pool flap. */
function holdBack(health: HealthBoard, slot: number, longest: number, now: number): void {
  const count = ejectionsAt(health.read(slot, L.ABSENCES), health.absentUntil(slot), longest, now) + 1;
  health.write(slot, L.ABSENCES, count);
  health.setAbsentUntil(slot, now + absenceLength(count, longest));
}

/**
 * The server can be reached. True when it is not unreachable any more by this call; one that has come and gone before
 * stays out for a while, unless it is `needed`, because no server of its pool is ready.
 */
export function endAbsence(health: HealthBoard, slot: number, now: number, needed: boolean): boolean {
  if (!needed && health.absentUntil(slot) > now) return false;
  return health.clear(slot, HealthFlag.unreachable, now);
}

/** Lets traffic try an unreachable server again if its time is over. True for the one caller that did. */
export function endUnreachable(health: HealthBoard, slot: number, now: number): boolean {
  if (!(health.unreachableUntil(slot) <= now)) return false;
  forgetFailures(health, slot);
  return health.clear(slot, HealthFlag.unreachable, now);
}

/**
 * Forgets all that traffic said against a server: ejection, unreachability, open breaker, counts and the number of
 * ejections. For an operator who knows better. Trials that are running stay counted until they end.
 */
export function clearPassive(scoreboard: Scoreboard, slot: number, now: number): void {
  const { health } = scoreboard;
  const locked = health.lock();
  try {
    forgetFailures(health, slot);
    for (const cell of [
      L.UNSETTLED,
      L.CONNECT_DOUBTS,
      L.BREAKER_FAILURES,
      L.BREAKER_SUCCESSES,
      L.EJECTIONS,
      L.ABSENCES,
    ])
      health.write(slot, cell, 0);
    health.setReason(slot, PassiveReason.none);
    health.setEjectedUntil(slot, 0);
    health.setBreakerUntil(slot, 0);
    const { ejected, unreachable, breakerOpen, breakerTrial } = HealthFlag;
    health.clear(slot, ejected | unreachable | breakerOpen | breakerTrial, now);
  } finally {
    if (locked) health.unlock();
  }
}

/** Whether one more ready server may be ejected. */
function withinLimits(health: HealthBoard, slots: readonly number[], share: number, minimumHealthy: number): boolean {
  const most = mostEjected(slots.length, share);
  let ejected = 0;
  let ready = 0;
  for (const slot of slots) {
    const flags = health.flags(slot);
    if (takesNewWork(flags)) ready++;
    if ((flags & HealthFlag.ejected) !== 0 && ++ejected >= most) return false;
  }
  return ready > minimumHealthy;
}
