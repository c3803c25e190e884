import type { PoolConfig } from "../config/schema.ts";
import { serverId } from "../config/slots.ts";
import type { Snapshot } from "../config/snapshot.ts";
import type { Clock } from "../core/clock.ts";
import { HealthFlag, takesNewWork } from "../shared-memory/health-flags.ts";
import type { Scoreboard } from "../shared-memory/scoreboard.ts";
import type { Log } from "./log.ts";
import { DrainWatch } from "./server-actions-drained.ts";

const { draining, maintenance, forcedDown, forcedUp } = HealthFlag;
/** What operators say about a server. At most one of them is set: the last word counts. */
const OPERATOR = draining | maintenance | forcedDown | forcedUp;

/** A server of a pool that something is to be done with. */
export interface ServerTarget {
  readonly pool: string;
  readonly id: string;
  readonly slot: number;
  readonly poolConfig: PoolConfig;
}

/** What an action has brought about. */
export interface ActionResult {
  /** When what the server still has is closed, by the clock; NaN for never. */
  readonly drainUntil: number;
  /** What the operator should know: that nobody is left, for example. */
  readonly warnings: readonly string[];
}

/** The servers with this id, one per pool that has it (or of `pool` alone), in the order of the configuration. */
export function findServers(snapshot: Snapshot | undefined, id: string, pool?: string): ServerTarget[] {
  const found: ServerTarget[] = [];
  for (const [name, poolConfig] of Object.entries(snapshot?.config.pools ?? {})) {
    if (pool !== undefined && pool !== name) continue;
    const index = poolConfig.servers.findIndex((server) => serverId(server) === id);
    if (index >= 0) found.push({ pool: name, id, slot: snapshot!.slots[name]![index]!, poolConfig });
  }
  return found;
}

export interface ServerActionsOptions {
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  readonly log: Log;
  /** The snapshot in use. */
  readonly snapshot: () => Snapshot | undefined;
}

/**
 * What operators do with a server: flags in shared memory, which all workers notice within a tick. They belong to the
 * server's slot, so they last over reloads, and end with the process or when the server is removed for good. Each action
 * may be repeated without harm.
 */
export class ServerActions {
  readonly #options: ServerActionsOptions;
  readonly #watch: DrainWatch;

  constructor(options: ServerActionsOptions) {
    this.#options = options;
    this.#watch = new DrainWatch(options.scoreboard, options.clock);
  }

  /**
   * No new work; what is there may end.
   *
   * @param timeout ms until the rest is closed; when absent, the pool's `drainTimeout`, or what an earlier call said
   */
  drain(server: ServerTarget, timeout?: number): ActionResult {
    return this.#leave(server, draining, "drain", timeout);
  }

  /** Takes the server out: as `drain`, and clients that are bound to it do not come back to it either. */
  maintenance(server: ServerTarget, timeout?: number): ActionResult {
    return this.#leave(server, maintenance, "maintenance", timeout);
  }

  /** Takes back whatever an operator has said. */
  resume(server: ServerTarget): ActionResult {
    return this.#say(server, 0, OPERATOR, "resume");
  }

  /** The server takes work, whatever checks and traffic say. */
  forceUp(server: ServerTarget): ActionResult {
    return this.#say(server, forcedUp, OPERATOR & ~forcedUp, "forced up");
  }

  /** The server takes no new work, whatever checks and traffic say. What is there may end, however long it takes. */
  forceDown(server: ServerTarget): ActionResult {
    return this.#say(server, forcedDown, OPERATOR & ~forcedDown, "forced down");
  }

  /** Checks and traffic decide again; a drain or maintenance goes on. */
  auto(server: ServerTarget): ActionResult {
    return this.#say(server, 0, forcedUp | forcedDown, "no longer forced");
  }

  /** Closes every connection to the server now. Whether it takes new work is another matter. */
  kill(server: ServerTarget): ActionResult {
    const { scoreboard } = this.#options;
    this.#log(server, `kill: ${inFlight(scoreboard.inFlight(server.slot))} closed`);
    scoreboard.health.kill(server.slot);
    return this.#result(server);
  }

  close(): void {
    this.#watch.close();
  }

  #leave(server: ServerTarget, flag: number, word: string, timeout: number | undefined): ActionResult {
    const { scoreboard, clock } = this.#options;
    const { slot, poolConfig } = server;
    const now = clock.now();
    const leaves = (scoreboard.health.flags(slot) & (draining | maintenance)) !== 0;
    // Before the flag: whoever sees the flag may rely on the time. Without a timeout a repetition changes nothing.
    if (timeout !== undefined || !leaves)
      scoreboard.health.setDrainUntil(slot, now + (timeout ?? poolConfig.drainTimeout));
    scoreboard.health.update(slot, flag, OPERATOR & ~flag, now);
    const result = this.#result(server);
    const left = Math.max(0, result.drainUntil - now);
    this.#log(server, `${word}, ${inFlight(scoreboard.inFlight(slot))} may take ${seconds(left)}`);
    for (const warning of result.warnings) this.#options.log("warn", warning);
    if (!leaves) this.#watch.watch({ slot, drained: (took) => this.#log(server, `drained after ${seconds(took)}`) });
    return result;
  }

  #say(server: ServerTarget, set: number, clear: number, word: string): ActionResult {
    const { scoreboard, clock } = this.#options;
    const { slot } = server;
    if (scoreboard.health.update(slot, set, clear, clock.now())) this.#log(server, word);
    // Behind the flag: without a flag nobody looks at the time.
    if ((scoreboard.health.flags(slot) & (draining | maintenance)) === 0) scoreboard.health.setDrainUntil(slot, 0);
    return this.#result(server);
  }

  #result(server: ServerTarget): ActionResult {
    const { health } = this.#options.scoreboard;
    return { drainUntil: health.drainUntil(server.slot), warnings: this.#warnings(server) };
  }

  /** An operator may do what leaves a pool without servers, but not without being told. */
  #warnings({ pool, id, slot, poolConfig }: ServerTarget): string[] {
    const { health } = this.#options.scoreboard;
    if (takesNewWork(health.flags(slot))) return [];
    const slots = this.#options.snapshot()?.slots[pool] ?? [];
    const others = poolConfig.servers.filter(({ weight }, index) => weight > 0 && slots[index] !== slot);
    if (others.some((server) => takesNewWork(health.flags(slots[poolConfig.servers.indexOf(server)]!)))) return [];
    return [`pool ${pool}: no server takes new work without ${id}`];
  }

  #log({ pool, id }: ServerTarget, text: string): void {
    this.#options.log("info", `server ${id} of pool ${pool}: ${text}`);
  }
}

function inFlight(count: number): string {
  return `${count} in flight`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
