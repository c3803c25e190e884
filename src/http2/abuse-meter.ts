import type { AbuseLimits } from "./peer.ts";

/** Length of the windows that the limits count in, in milliseconds. */
const WINDOW = 10_000;

/**
 * Counts what costs us more than the peer (resets, pings, …), in windows of 10 s. Each method returns whether its limit is
 * exceeded by this one more.
 */
export class AbuseMeter {
  private readonly limits: AbuseLimits;
  private readonly now: () => number;
  private windowEnd = -Infinity;
  private resetCount = 0;
  private pingCount = 0;
  private settingsCount = 0;
  private emptyCount = 0;

  constructor(limits: AbuseLimits, now: () => number) {
    this.limits = limits;
    this.now = now;
  }

  /** A stream was ended by the peer's reset, or by one that it has provoked. */
  reset(): boolean {
    this.turn();
    return ++this.resetCount > this.limits.maxResets;
  }

  ping(): boolean {
    this.turn();
    return ++this.pingCount > this.limits.maxPings;
  }

  settings(): boolean {
    this.turn();
    return ++this.settingsCount > this.limits.maxSettings;
  }

  /** A frame that carries nothing and ends nothing. */
  empty(): boolean {
    this.turn();
    return ++this.emptyCount > this.limits.maxEmptyFrames;
  }

  private turn(): void {
    const now = this.now();
    if (now < this.windowEnd) return;
    this.windowEnd = now + WINDOW;
    this.resetCount = 0;
    this.pingCount = 0;
    this.settingsCount = 0;
    this.emptyCount = 0;
  }
}
