import type { Server } from "./balancer.ts";
import { largestScale } from "./effective-weights.ts";

/** Requests that a server may get in a row when it was passed over for long, and that it may be ahead by. */
const burst = 4;

/**
 * Holds servers with a smaller scale than others to that part of their usual share, for algorithms that choose by load: by load
 * alone, the idle newcomer would get the next request every time. Each choice earns such a server its part of a
 * request, weight × scale / sum over all servers, and it is open while it has earned a whole one. What it costs is
 * O(1) per server that is asked about, and nothing while all have the same scale.
 */
export class ScaleGate {
  /** False while all servers have the same scale; then there is nothing to ask or to tell. */
  active = false;
  private choices = 0;
  /** Index into the arrays by slot; only servers with less than the largest scale. */
  private readonly indexOf = new Map<number, number>();
  /** Earned with each choice, 0..1. */
  private shares = new Float64Array(0);
  /** Requests earned and not yet got, as of the choice in `countedAt`; below 0 when it is ahead. */
  private credits = new Float64Array(0);
  private countedAt = new Float64Array(0);
  private readonly phase: number;

  /** @param phase 0 ≤ phase < 1: what a server has earned at first, different for each worker, so that all do not send
   *   their first request to it at the same time */
  constructor(phase: number) {
    this.phase = phase;
  }

  /**
   * Takes over servers and their scales; what they have earned is kept.
   *
   * @param usual what the servers' usual shares are in proportion to, in their order; equal when absent. "each" means
   *   that a server's usual share is everything
   */
  set(servers: readonly Server[], usual?: Float64Array | "each"): void {
    const largest = largestScale(servers);
    this.active = servers.some((server) => server.scale < largest);
    if (!this.active && this.indexOf.size === 0) return;
    const earned = new Map<number, number>();
    for (const [slot, index] of this.indexOf) earned.set(slot, this.count(index));
    this.indexOf.clear();
    const scaled: number[] = [];
    let sum = 0;
    servers.forEach((server, index) => {
      sum += server.scale * (typeof usual === "object" ? (usual[index] as number) : 1);
      if (server.scale < largest) scaled.push(index);
    });
    this.shares = new Float64Array(scaled.length);
    this.credits = new Float64Array(scaled.length);
    this.countedAt = new Float64Array(scaled.length).fill(this.choices);
    scaled.forEach((position, index) => {
      const { slot, scale } = servers[position] as Server;
      const share = typeof usual === "object" ? (scale * (usual[position] as number)) / sum : scale / sum;
      this.indexOf.set(slot, index);
      this.shares[index] = usual === "each" ? scale / largest : share;
      this.credits[index] = earned.get(slot) ?? this.phase;
    });
  }

  /** Whether the server is held to its part at all. */
  holds(server: Server): boolean {
    return this.indexOf.has(server.slot);
  }

  /** To be called before each choice. */
  tick(): void {
    this.choices++;
  }

  /** Whether the server may get a request now. */
  isOpen(server: Server): boolean {
    const index = this.indexOf.get(server.slot);
    return index === undefined || this.count(index) >= 1;
  }

  /** To be called with the server that was chosen, also when it was not open because there was no other. */
  spend(server: Server): void {
    const index = this.indexOf.get(server.slot);
    if (index !== undefined) this.credits[index] = Math.max(-burst, this.count(index) - 1);
  }

  private count(index: number): number {
    const since = this.choices - (this.countedAt[index] as number);
    const credit = Math.min(burst, (this.credits[index] as number) + since * (this.shares[index] as number));
    this.credits[index] = credit;
    this.countedAt[index] = this.choices;
    return credit;
  }
}
