import { errors } from "../../core/errors.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { PassiveReason, type HealthBoard } from "../../shared-memory/health-board.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { UpstreamServer } from "./upstream-server.ts";

/** For so long, in ms, a server must have said nothing before requests are moved away from it, */
const SURELY_DEAD = 100;
/** or, where it may still be at work on them: its checks fail, it stopped listening, or takes no new handshakes, and finishes what it has. */
const MAYBE_ALIVE = 1000;

const { unreachable, unhealthy, ejected } = HealthFlag;

/** Sees which of a pool's servers leave this worker's requests unanswered, and moves requests away from dead ones. */
export class RequestMover {
  readonly #context: WorkerContext;
  readonly #bySlot: ReadonlyMap<number, UpstreamServer>;
  readonly #servers: readonly UpstreamServer[];

  constructor(servers: readonly UpstreamServer[], context: WorkerContext) {
    this.#context = context;
    this.#servers = servers;
    this.#bySlot = new Map(servers.map((server) => [server.slot, server]));
  }

  /** Slots of servers that this worker has requests on. */
  *slots(): Iterable<number> {
    for (const { slot, connections } of this.#servers) if (connections.inUse > 0) yield slot;
  }

  /** How many requests were sent to the server between these times and have got nothing since. */
  unanswered(slot: number, before: number, after: number): number {
    return this.#bySlot.get(slot)?.connections.unanswered(before, after) ?? 0;
  }

  /** When anything last came from the server to this worker; 0 for never. */
  heardAt(slot: number): number {
    return this.#bySlot.get(slot)?.connections.heardAt ?? 0;
  }

  /** Moves what waits for a dead server, as far as rules and budget allow; the rest goes on waiting. */
  tick(): void {
    const { scoreboard, now } = this.#context;
    for (const { slot, connections } of this.#servers) {
      if (connections.inUse === 0) continue;
      const before = now - patience(scoreboard.health, slot);
      if (connections.heardAt <= before) connections.moveUnanswered(errors.serverSilent, before);
    }
  }
}

/** How long the server may be silent; Infinity while nothing says that it is dead. Errors in its answers do not. */
function patience(health: HealthBoard, slot: number): number {
  const flags = health.flags(slot);
  if ((flags & (unreachable | unhealthy | ejected)) === 0) return Infinity;
  const reason = health.reason(slot);
  if ((flags & ejected) !== 0 && reason === PassiveReason.silence) return SURELY_DEAD;
  const mayFinish = reason === PassiveReason.refused || reason === PassiveReason.handshake;
  if ((flags & unreachable) !== 0 && !mayFinish) return SURELY_DEAD;
  return (flags & (unreachable | unhealthy)) !== 0 ? MAYBE_ALIVE : Infinity;
}
