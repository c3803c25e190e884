import type { BalanceContext, Server } from "./balancer.ts";

/** Stands for the latency of a server that has requests in flight but has not answered any yet. */
export const unknownLatency = 1e12;

/**
 * Latencies up to this many times the lowest one count as equal. Averages of equal servers differ by chance; if the
 * lowest always won, the one that is lucky at the moment would get nearly everything, and one that became fast again
 * little until the last trace of its slow answers is forgotten.
 */
const similar = 2;

/**
 * What a worker knows about a few servers: at most one probe per server. Removal puts the last probe in the place of
 * the removed one, so positions hold only until the next change. All of it is O(size), the size being 16 or so.
 */
export class ProbePool {
  length = 0;
  private readonly size: number;
  private readonly servers: (Server | undefined)[];
  private readonly times: Float64Array;
  /** Which probe was added when, as a clock may not tell them apart. */
  private readonly order: Float64Array;
  private added = 0;
  /** Where a search for the best begins, so that ties are not always won by the same position. */
  private start = 0;
  private readonly inFlight: Float64Array;
  private readonly latencies: Float64Array;
  private readonly uses: Float64Array;
  private readonly usable: Uint8Array;

  constructor(size: number) {
    this.size = size;
    this.servers = Array.from({ length: size }, () => undefined);
    this.times = new Float64Array(size);
    this.order = new Float64Array(size);
    this.inFlight = new Float64Array(size);
    this.latencies = new Float64Array(size);
    this.uses = new Float64Array(size);
    this.usable = new Uint8Array(size);
  }

  clear(): void {
    this.servers.fill(undefined);
    this.length = 0;
  }

  /** Removes the probes of servers that are not among these, and takes the others over. */
  retain(servers: readonly Server[]): void {
    const bySlot = new Map<number, Server>();
    for (const server of servers) bySlot.set(server.slot, server);
    for (let position = this.length - 1; position >= 0; position--) {
      const server = bySlot.get((this.servers[position] as Server).slot);
      if (server === undefined) this.remove(position);
      else this.servers[position] = server;
    }
  }

  /** Takes a probe in; it replaces the same server's, or the oldest one when the pool is full. */
  add(server: Server, now: number, inFlight: number, latency: number, uses: number): void {
    let position = this.find(server);
    if (position < 0) position = this.length < this.size ? this.length++ : this.oldest();
    this.servers[position] = server;
    this.times[position] = now;
    this.order[position] = this.added++;
    this.inFlight[position] = inFlight;
    this.latencies[position] = latency;
    this.uses[position] = uses;
  }

  find(server: Server): number {
    for (let position = 0; position < this.length; position++) {
      if ((this.servers[position] as Server).slot === server.slot) return position;
    }
    return -1;
  }

  remove(position: number): void {
    const last = --this.length;
    this.servers[position] = this.servers[last];
    this.servers[last] = undefined;
    this.times[position] = this.times[last] as number;
    this.order[position] = this.order[last] as number;
    this.inFlight[position] = this.inFlight[last] as number;
    this.latencies[position] = this.latencies[last] as number;
    this.uses[position] = this.uses[last] as number;
  }

  /** Removes the probes that were made before `time`. */
  expire(time: number): void {
    for (let position = this.length - 1; position >= 0; position--) {
      if ((this.times[position] as number) < time) this.remove(position);
    }
  }

  /** Position of the oldest probe; the pool must not be empty. */
  oldest(): number {
    let oldest = 0;
    for (let position = 1; position < this.length; position++) {
      if ((this.order[position] as number) < (this.order[oldest] as number)) oldest = position;
    }
    return oldest;
  }

  /**
   * Position of the probe that would be chosen last: the hot one with the most requests in flight, or the slowest one
   * when all are cold. The pool must not be empty.
   */
  worst(limit: number): number {
    let worst = 0;
    for (let position = 1; position < this.length; position++)
      if (this.precedes(worst, position, limit)) worst = position;
    return worst;
  }

  /**
   * Position of the best probe among those that are not excluded: of the cold ones about as fast as the fastest, or
   * when all are hot of all, the one with the fewest requests in flight. −1 when there are fewer than two to choose from.
   *
   * @param limit requests in flight above which a server is hot
   */
  best(limit: number, context: BalanceContext): number {
    const { length, inFlight, latencies } = this;
    let candidates = 0;
    let fastest = Infinity;
    for (let position = 0; position < length; position++) {
      const excluded = context.isExcluded(this.servers[position] as Server);
      this.usable[position] = excluded ? 0 : 1;
      if (excluded) continue;
      candidates++;
      if ((inFlight[position] as number) <= limit && (latencies[position] as number) < fastest) {
        fastest = latencies[position] as number;
      }
    }
    if (candidates < 2) return -1;
    const slowest = fastest * similar;
    let best = -1;
    let position = this.start < length ? this.start : 0;
    this.start = position + 1;
    for (let step = 0; step < length; step++, position++) {
      if (position >= length) position = 0;
      if (this.usable[position] === 0) continue;
      // When all are hot, `fastest` is infinite and every one is a candidate.
      if (
        fastest < Infinity &&
        !((inFlight[position] as number) <= limit && (latencies[position] as number) <= slowest)
      )
        continue;
      if (best < 0 || (inFlight[position] as number) < (inFlight[best] as number)) best = position;
    }
    return best;
  }

  /** Uses a probe: the request it is used for counts as in flight, and a probe that is used up goes. */
  use(position: number): Server {
    const server = this.servers[position] as Server;
    this.inFlight[position] = (this.inFlight[position] as number) + 1;
    if (this.latencies[position] === 0) this.latencies[position] = unknownLatency;
    const left = (this.uses[position] as number) - 1;
    this.uses[position] = left;
    if (left <= 0) this.remove(position);
    return server;
  }

  private precedes(first: number, second: number, limit: number): boolean {
    const firstInFlight = this.inFlight[first] as number;
    const secondInFlight = this.inFlight[second] as number;
    const firstHot = firstInFlight > limit;
    if (firstHot !== secondInFlight > limit) return !firstHot;
    if (firstHot) return firstInFlight < secondInFlight;
    return (this.latencies[first] as number) < (this.latencies[second] as number);
  }
}
