import type { Clock } from "../core/clock.ts";
import { HealthFlag } from "../shared-memory/health-flags.ts";
import type { Scoreboard } from "../shared-memory/scoreboard.ts";

/** How far a server is with its drain: it takes work; it still has some; nothing is left. */
export type DrainPhase = "none" | "draining" | "drained";

const LEAVING = HealthFlag.draining | HealthFlag.maintenance;

/**
 * How far a server is with its drain, for whoever looks at the flags. Requests and tunnels are in flight until they are
 * over; connections without one are unused and do not count.
 */
export function drainPhase(scoreboard: Scoreboard, slot: number): DrainPhase {
  if ((scoreboard.health.flags(slot) & LEAVING) === 0) return "none";
  return scoreboard.inFlight(slot) === 0 ? "drained" : "draining";
}

/** How often the servers that are being drained are looked at, in ms. */
const INTERVAL = 100;

/** A server that is being drained. */
export interface DrainingServer {
  readonly slot: number;
  /** Called once, when nothing is in flight there any more; `took` is the time since `watch`, in ms. */
  drained(took: number): void;
}

/** Waits for the ends of drains. It has a timer only while there is one. */
export class DrainWatch {
  readonly #scoreboard: Scoreboard;
  readonly #clock: Clock;
  readonly #servers = new Map<number, { readonly server: DrainingServer; readonly since: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(scoreboard: Scoreboard, clock: Clock) {
    this.#scoreboard = scoreboard;
    this.#clock = clock;
  }

  /** Waits for this server; one that is waited for already keeps its beginning. */
  watch(server: DrainingServer): void {
    const since = this.#servers.get(server.slot)?.since ?? this.#clock.now();
    this.#servers.set(server.slot, { server, since });
    this.#timer ??= setInterval(() => this.poll(), INTERVAL).unref();
  }

  /** Looks at all of them. Called by the timer; tests call it themselves. */
  poll(): void {
    for (const [slot, { server, since }] of this.#servers) {
      const phase = drainPhase(this.#scoreboard, slot);
      if (phase === "draining") continue;
      this.#servers.delete(slot);
      if (phase === "drained") server.drained(this.#clock.now() - since);
    }
    if (this.#servers.size === 0) this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
