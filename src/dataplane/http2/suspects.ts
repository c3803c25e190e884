/** How long an address is suspect after a connection of it was closed for exceeding a limit, in ms. */
const SUSPECT_TIME = 10_000;
/** Most addresses that are remembered; the oldest one is forgotten first. */
const MAX_SUSPECTS = 1024;

/** What a connection of a suspect address may do, instead of what the configuration allows: enough for a browser. */
export const SUSPECT_LIMITS = { maxStreams: 4, maxResets: 8 } as const;

/**
 * Addresses from which a limit of HTTP/2 was exceeded a moment ago. An attacker whose connection is closed comes again at
 * once, and would begin with all its allowances anew. Others may share the address, so its next connections are not
 * refused; they may only have few streams and few resets.
 */
export class Suspects {
  readonly #until = new Map<string, number>();

  /** A connection of that address was closed. `now` in ms. */
  note(address: string, now: number): void {
    // The order of a map's keys is that of their insertion.
    this.#until.delete(address);
    this.#until.set(address, now + SUSPECT_TIME);
    if (this.#until.size > MAX_SUSPECTS) this.#until.delete(this.#until.keys().next().value!);
  }

  has(address: string, now: number): boolean {
    if (this.#until.size === 0) return false;
    const until = this.#until.get(address);
    if (until === undefined) return false;
    if (now < until) return true;
    this.#until.delete(address);
    return false;
  }
}
