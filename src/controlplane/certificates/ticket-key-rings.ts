import type { Config } from "../../config/schema.ts";
import { TicketKeys } from "./ticket-keys.ts";

/** Ticket keys of all listeners that have session tickets; a listener's go on over reloads. */
export class TicketKeyRings {
  readonly #random: (bytes: number) => Uint8Array;
  readonly #rings = new Map<string, TicketKeys>();

  /** @param random gives bytes that nobody can guess */
  constructor(random: (bytes: number) => Uint8Array) {
    this.#random = random;
  }

  /** The keys by listener. Listeners get some when they need them, and lose them when none of `configs` has them. */
  keys(configs: readonly Config[], now: number): Record<string, readonly Uint8Array[]> {
    const keys: Record<string, readonly Uint8Array[]> = {};
    for (const listener of rotations(configs).keys()) {
      let ring = this.#rings.get(listener);
      if (ring === undefined) this.#rings.set(listener, (ring = new TicketKeys(this.#random, now)));
      keys[listener] = ring.keys;
    }
    for (const listener of this.#rings.keys()) if (!Object.hasOwn(keys, listener)) this.#rings.delete(listener);
    return keys;
  }

  /** Begins new keys where it is time; true when there was one. */
  rotate(configs: readonly Config[], now: number): boolean {
    let rotated = false;
    for (const [listener, rotation] of rotations(configs)) {
      if (this.#rings.get(listener)?.rotate(rotation, now) === true) rotated = true;
    }
    return rotated;
  }
}

/** Listener name → ms between rotations; where several configurations have the listener, by the first one. */
function rotations(configs: readonly Config[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { listeners } of configs) {
    for (const [name, { tls }] of Object.entries(listeners)) {
      if (tls === undefined || tls.passthrough || tls.sessionTickets === false || found.has(name)) continue;
      found.set(name, tls.sessionTickets.rotation);
    }
  }
  return found;
}
