import type { TlsMaterial } from "../config/tls-material.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { Movables } from "./rebalance/movable.ts";
import type { Scoreboard } from "../shared-memory/scoreboard.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** Resolution of all deadlines and of `WorkerContext.now`, in ms. */
export const TICK = 50;

/** What everything in one worker shares. */
export interface WorkerContext {
  readonly worker: number;
  readonly workers: number;
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: TimerWheel;
  /** WebSockets by their server. */
  readonly movables: Movables;
  /** Certificates, keys, authorities: what holds for handshakes from now on. */
  tls: TlsMaterial;
  /** Asks the control plane for a certificate for a name; absent when nobody could get one. */
  readonly wanted?: (listener: string, name: string) => void;
  log(level: "debug" | "info" | "warn" | "error", message: string): void;
  /** Milliseconds by `clock`, as of the last tick of the wheel: exact enough for deadlines, and free. */
  now: number;
  /** True from the beginning of the drain: connections end after the answer that they are at. */
  draining: boolean;
  /** What ACME authorities are told over HTTP: token → key authorisation (http-01); null while there is nothing to tell. */
  challenges: Readonly<Record<string, string>> | null;
  /** A new request id: unique over workers and restarts, without meaning, 16 to 24 characters. */
  requestId(): string;
}

/** Makes request ids: chance once per worker, then a counter. Unique, not secret. */
export function requestIds(prefix: string): () => string {
  let count = 0;
  return () => prefix + (count++).toString(36);
}
