import type { BalanceContext, Server } from "./balancer.ts";
import { ScaleGate } from "./scale-gate.ts";

/** Up to this many servers every choice reads all of them and is exact. */
export const scanLimit = 64;
/** Leaves that are read again at each choice in a bigger set. */
const rereads = 4;
/** How often the winner of the tree is read again before it is taken as it is. */
const maxCorrections = 16;
/** Excluded winners that are set aside before the whole list is searched. */
const maxAside = 8;
/** Added to the load of a server that has had its scale's part: more than any load, so that it comes last. */
const closed = 1e15;
/** The same where no two loads rotate: below that of a full server. */
const closedFirst = 0.5;

/** A server's load at this moment; lower is better. Must not be negative or NaN. */
export type Load = (server: Server) => number;

/**
 * Finds the server with the least load; among equal loads the turns rotate, in proportion to the weights if these are
 * given.
 *
 * Exactness: up to `scanLimit` servers every load is read at every choice. Beyond, a tournament tree keeps the last
 * known loads (O(log n)). It is corrected by every choice and completion of this worker, and the winner is always read
 * again before it is taken, so a server that became busier elsewhere is not chosen by mistake. A server that became
 * less busy through another worker is noticed when its leaf is read again, at the latest after n / 4 choices.
 *
 * Servers with a smaller scale than others get their part of an equal share (or of the share by weight) at most, see `ScaleGate`.
 */
export class LeastLoaded {
  private servers: readonly Server[] = [];
  private readonly load: Load;
  private readonly phase: number;
  /** Turn counts for ties: the lowest is next; a turn adds 1/weight. */
  private turns = new Float64Array(0);
  private periods = new Float64Array(0);
  /** The turns of the last chosen server before its choice, or of one before it that had more. */
  private clock = 0;
  /** Index after the last chosen one: where a scan starts, so that exact ties rotate. */
  private start = 0;
  private loads = new Float64Array(0);
  /** Winner's index by node; node 1 is the root, leaf i stands at `leaves + i`; -1 where no server is. */
  private tree = new Int32Array(0);
  private leaves = 0;
  private cursor = 0;
  private last = -1;
  private readonly indexOf = new Map<number, number>();
  private readonly gate: ScaleGate;
  /** Indexes of the servers that the gate holds, in a big set: their leaves also change when they have earned a turn. */
  private scaled: number[] = [];
  private scaledCursor = 0;
  private readonly aside = new Int32Array(maxAside);

  /** False: among equal loads the first in the list wins every time. */
  private readonly rotate: boolean;

  /** @param phase 0 ≤ phase < 1: where in the list ties begin, different for each worker; "first" turns rotation off */
  constructor(load: Load, phase: number | "first") {
    this.load = load;
    this.rotate = phase !== "first";
    this.phase = phase === "first" ? 0 : phase;
    this.gate = new ScaleGate(this.phase);
  }

  /**
   * Takes over servers; the turns of those that it had before go on.
   *
   * @param weights how ties and the shares of scaled servers are measured, in the order of the servers; equally when
   *   absent
   */
  set(servers: readonly Server[], weights?: Float64Array): void {
    this.gate.set(servers, this.rotate ? weights : "each");
    if (this.rotate) this.takeTurns(servers, weights);
    else this.turns = new Float64Array(servers.length);
    this.servers = servers;
    this.last = -1;
    this.cursor = 0;
    this.indexOf.clear();
    this.leaves = 0;
    if (servers.length > scanLimit) this.build();
  }

  private takeTurns(servers: readonly Server[], weights: Float64Array | undefined): void {
    const length = servers.length;
    const next = this.servers[this.start < this.servers.length ? this.start : 0]?.slot;
    // What each server had to wait for its turn, as a share of its period, so that changed weights act at once.
    const waits = new Map<number, number>();
    for (let index = 0; index < this.servers.length; index++) {
      const wait = ((this.turns[index] as number) - this.clock) / (this.periods[index] as number);
      waits.set((this.servers[index] as Server).slot, Math.max(0, wait));
    }
    this.periods = new Float64Array(length);
    this.turns = new Float64Array(length);
    this.clock = 0;
    this.start = Math.floor(length * this.phase);
    for (let index = 0; index < length; index++) {
      const { slot } = servers[index] as Server;
      const period = weights === undefined ? 1 : 1 / (weights[index] as number);
      const place = (index + 1) / length - this.phase;
      this.periods[index] = period;
      this.turns[index] = (waits.get(slot) ?? (place > 0 ? place : place + 1)) * period;
      if (slot === next) this.start = index;
    }
  }

  choose(context: BalanceContext): Server | undefined {
    if (this.gate.active) this.gate.tick();
    const index = this.servers.length <= scanLimit ? this.scan(context) : this.descend(context);
    if (index < 0) return undefined;
    if (this.rotate) this.advance(index);
    if (this.leaves > 0) this.last = index;
    if (this.gate.active) this.gate.spend(this.servers[index] as Server);
    return this.servers[index];
  }

  private advance(index: number): void {
    // A server that was busy for long has few turns; without the floor it would take every tie until it caught up.
    this.clock = Math.max(this.clock, this.turns[index] as number);
    this.turns[index] = this.clock + (this.periods[index] as number);
    this.start = index + 1;
    if (this.leaves > 0) this.climb(index);
  }

  /** To be called when a load of the server's may have changed through this worker. */
  touch(server: Server): void {
    if (this.leaves === 0) return;
    const index = this.indexOf.get(server.slot);
    if (index !== undefined) this.refresh(index);
  }

  private scan(context: BalanceContext): number {
    const servers = this.servers;
    const length = servers.length;
    const gated = this.gate.active;
    let best = -1;
    let bestLoad = Infinity;
    let index = this.start;
    for (let step = 0; step < length; step++, index++) {
      if (index >= length) index = 0;
      const server = servers[index] as Server;
      const load = gated ? this.gatedLoad(server) : this.load(server);
      if (
        best >= 0 &&
        (load > bestLoad || (load === bestLoad && (this.turns[index] as number) >= (this.turns[best] as number)))
      ) {
        continue;
      }
      if (context.isExcluded(server)) continue;
      best = index;
      bestLoad = load;
    }
    return best;
  }

  private descend(context: BalanceContext): number {
    if (this.last >= 0) this.refresh(this.last);
    for (let step = 0; step < rereads; step++) {
      if (this.cursor >= this.servers.length) this.cursor = 0;
      this.refresh(this.cursor++);
    }
    if (this.gate.active) this.refreshScaled();
    let asideCount = 0;
    let found = -1;
    for (let corrections = 0; ;) {
      const winner = this.tree[1] as number;
      if ((this.loads[winner] as number) === Infinity && asideCount > 0) break;
      if (corrections++ < maxCorrections && this.refresh(winner)) continue;
      if (!context.isExcluded(this.servers[winner] as Server)) {
        found = winner;
        break;
      }
      if (asideCount === maxAside) {
        found = this.scan(context);
        break;
      }
      this.aside[asideCount++] = winner;
      this.loads[winner] = Infinity;
      this.climb(winner);
    }
    while (asideCount > 0) this.refresh(this.aside[--asideCount] as number);
    return found;
  }

  /** Reads the load again; true when it had changed. */
  private refresh(index: number): boolean {
    const server = this.servers[index] as Server;
    const load = this.gate.active ? this.gatedLoad(server) : this.load(server);
    if (load === this.loads[index]) return false;
    this.loads[index] = load;
    this.climb(index);
    return true;
  }

  private refreshScaled(): void {
    const count = Math.min(rereads, this.scaled.length);
    for (let step = 0; step < count; step++) {
      if (this.scaledCursor >= this.scaled.length) this.scaledCursor = 0;
      this.refresh(this.scaled[this.scaledCursor++] as number);
    }
  }

  private gatedLoad(server: Server): number {
    const load = this.load(server);
    if (this.gate.isOpen(server)) return load;
    return load + (this.rotate ? closed : closedFirst);
  }

  private build(): void {
    const length = this.servers.length;
    this.leaves = 1 << (32 - Math.clz32(length - 1));
    this.tree = new Int32Array(2 * this.leaves).fill(-1);
    this.loads = new Float64Array(length);
    this.scaled = [];
    this.scaledCursor = 0;
    for (let index = 0; index < length; index++) {
      const server = this.servers[index] as Server;
      this.indexOf.set(server.slot, index);
      this.loads[index] = this.gate.active ? this.gatedLoad(server) : this.load(server);
      if (this.gate.holds(server)) this.scaled.push(index);
      this.tree[this.leaves + index] = index;
    }
    for (let node = this.leaves - 1; node > 0; node--) this.tree[node] = this.winner(2 * node);
  }

  /** Replays the matches on the way from a leaf to the root. */
  private climb(index: number): void {
    const tree = this.tree;
    for (let node = (this.leaves + index) >> 1; node > 0; node >>= 1) tree[node] = this.winner(2 * node);
  }

  /** The better one of a node and its right neighbour. */
  private winner(node: number): number {
    const left = this.tree[node] as number;
    const right = this.tree[node + 1] as number;
    if (right < 0) return left;
    const leftLoad = this.loads[left] as number;
    const rightLoad = this.loads[right] as number;
    if (leftLoad !== rightLoad) return leftLoad < rightLoad ? left : right;
    return (this.turns[left] as number) <= (this.turns[right] as number) ? left : right;
  }
}
