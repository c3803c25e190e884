import { ServerState } from "./server-state.ts";

/**
 * What speaks for and against a server, one bit each, so that those who find it out do not get in each other's way:
 * active checks, traffic, and operators each set and clear their own.
 */
export const HealthFlag = {
  /** Was added to a running node and waits for its first check. */
  unknown: 1,
  /** Its active checks fail. */
  unhealthy: 2,
  /** No connection can be made to it. */
  unreachable: 4,
  /** Ejected by outlier detection, for a time. */
  ejected: 8,
  /** Its circuit breaker is open. */
  breakerOpen: 16,
  /** Its circuit breaker is half-open: it takes a few trials. */
  breakerTrial: 32,
  /** Works, but slowly or by its own word not well: takes part of its share. */
  degraded: 64,
  /** An operator drains it, or it is removed: it finishes what it has. */
  draining: 128,
  /** An operator has taken it out. */
  maintenance: 256,
  /** An operator says that it is down, or up, whatever checks and traffic say. */
  forcedDown: 512,
  forcedUp: 1024,
} as const;

const { unknown, unhealthy, unreachable, ejected, breakerOpen, draining, maintenance, forcedDown, forcedUp } =
  HealthFlag;
const OPERATOR = draining | maintenance | forcedDown;
const AGAINST = unknown | unhealthy | unreachable | ejected | breakerOpen;

/** Whether a server with these flags takes new work. */
export function takesNewWork(flags: number): boolean {
  if ((flags & OPERATOR) !== 0) return false;
  return (flags & AGAINST) === 0 || (flags & forcedUp) !== 0;
}

/** Whether it may be tried when too few are ready: what speaks against it is an opinion, not that nobody is there. */
export function mayBeTried(flags: number): boolean {
  if ((flags & OPERATOR) !== 0) return false;
  return (flags & (unreachable | unknown)) === 0 || (flags & forcedUp) !== 0;
}

/** The flags in one word. */
export function stateOf(flags: number): ServerState {
  if ((flags & maintenance) !== 0) return ServerState.maintenance;
  if ((flags & draining) !== 0) return ServerState.draining;
  return takesNewWork(flags) ? ServerState.up : ServerState.down;
}

/** Names of the flags that are set, for people and the API. */
export function flagNames(flags: number): (keyof typeof HealthFlag)[] {
  return (Object.keys(HealthFlag) as (keyof typeof HealthFlag)[]).filter((name) => (flags & HealthFlag[name]) !== 0);
}
