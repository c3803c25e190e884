import type { BalanceContext, Server } from "./balancer.ts";

/** Turns that may fall on excluded servers before the whole list is searched. */
const maxSkips = 16;

/**
 * Weighted rotation for big sets: each server has a deadline that moves on by 1/weight with each of its turns, and
 * the earliest deadline is next (earliest deadline first). A turn is O(log n) in a binary heap of typed arrays.
 * With equal weights it is a plain rotation.
 *
 * A turn that falls on an excluded server is lost to it.
 *
 * Source: the EDF schedulers of Envoy (source/common/upstream/edf_scheduler.h) and gRPC.
 */
export class DeadlineRotation {
  private servers: readonly Server[] = [];
  /** 1/weight by index of the server. */
  private periods = new Float64Array(0);
  private deadlines = new Float64Array(0);
  /** Indexes of servers; parent before children. */
  private heap = new Int32Array(0);
  private now = 0;
  private readonly phase: number;

  /** @param phase 0 ≤ phase < 1: where in the list the first turn is */
  constructor(phase: number) {
    this.phase = phase;
  }

  /** Servers and their weights, in the same order; the same list as before means that only weights changed. */
  set(servers: readonly Server[], weights: Float64Array): void {
    if (servers === this.servers) this.reweigh(weights);
    else this.replace(servers, weights);
    for (let index = (servers.length >> 1) - 1; index >= 0; index--) this.siftDown(index);
  }

  private reweigh(weights: Float64Array): void {
    for (let index = 0; index < weights.length; index++) {
      const period = 1 / (weights[index] as number);
      const left = ((this.deadlines[index] as number) - this.now) / (this.periods[index] as number);
      this.periods[index] = period;
      this.deadlines[index] = this.now + period * left;
    }
  }

  private replace(servers: readonly Server[], weights: Float64Array): void {
    const length = servers.length;
    // What each server had left of its period, as a share of it, so that changed weights act at once and smoothly.
    const left = new Map<number, number>();
    for (let index = 0; index < this.servers.length; index++) {
      const rest = ((this.deadlines[index] as number) - this.now) / (this.periods[index] as number);
      left.set((this.servers[index] as Server).slot, Math.min(1, Math.max(0, rest)));
    }
    this.servers = servers;
    this.periods = new Float64Array(length);
    this.deadlines = new Float64Array(length);
    this.heap = new Int32Array(length);
    this.now = 0;
    for (let index = 0; index < length; index++) {
      const period = 1 / (weights[index] as number);
      const place = (index + 1) / length - this.phase;
      this.periods[index] = period;
      this.deadlines[index] = period * (left.get((servers[index] as Server).slot) ?? (place > 0 ? place : place + 1));
      this.heap[index] = index;
    }
  }

  next(context: BalanceContext): Server | undefined {
    const length = this.servers.length;
    if (length === 0) return undefined;
    for (let skips = 0; skips < maxSkips; skips++) {
      const index = this.heap[0] as number;
      const server = this.servers[index] as Server;
      this.advance(index, 0);
      if (!context.isExcluded(server)) return server;
    }
    return this.search(context);
  }

  /** The earliest deadline among those not excluded, by reading all of them. */
  private search(context: BalanceContext): Server | undefined {
    let best = -1;
    for (let position = 0; position < this.heap.length; position++) {
      const index = this.heap[position] as number;
      if (best >= 0 && (this.deadlines[index] as number) >= (this.deadlines[this.heap[best] as number] as number))
        continue;
      if (!context.isExcluded(this.servers[index] as Server)) best = position;
    }
    if (best < 0) return undefined;
    const index = this.heap[best] as number;
    this.advance(index, best);
    return this.servers[index];
  }

  private advance(index: number, position: number): void {
    const deadline = this.deadlines[index] as number;
    if (position === 0) this.now = deadline;
    this.deadlines[index] = deadline + (this.periods[index] as number);
    this.siftDown(position);
  }

  private siftDown(start: number): void {
    const { heap, deadlines } = this;
    const length = heap.length;
    const moved = heap[start] as number;
    const key = deadlines[moved] as number;
    let position = start;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= length) break;
      let childKey = deadlines[heap[child] as number] as number;
      if (child + 1 < length) {
        const rightKey = deadlines[heap[child + 1] as number] as number;
        if (rightKey < childKey) {
          child++;
          childKey = rightKey;
        }
      }
      if (childKey >= key) break;
      heap[position] = heap[child] as number;
      position = child;
    }
    heap[position] = moved;
  }
}
