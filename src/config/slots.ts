import type { PoolConfig, ServerConfig } from "./schema.ts";

/** Pool name → slot of each of its servers, in their order. */
export type SlotTable = Readonly<Record<string, readonly number[]>>;

/** Another assignment of slots, and what must be released later. */
export interface SlotAssignment {
  readonly slots: SlotTable;
  /** Slots of servers that are no longer there: still taken until `release`, for exchanges with them may go on. */
  readonly freed: readonly number[];
}

/** There are more servers than shared memory has room for. */
export class SlotsExhaustedError extends Error {
  constructor(capacity: number, draining: number) {
    const waiting = draining === 0 ? "" : ` (${draining} of them hold removed servers that still drain)`;
    super(`all ${capacity} server slots are taken${waiting}; raise maxServers and restart`);
    this.name = "SlotsExhaustedError";
  }
}

/** What makes a server the same over reloads, besides its pool. */
export function serverId(server: ServerConfig): string {
  return server.id ?? server.address;
}

/**
 * Gives each server of each pool a slot in shared memory. A server keeps its slot while its pool and id stay; the slot
 * of a removed one is taken until it is released, and goes back to it when it returns before that. Main thread only.
 */
export class SlotAllocator {
  readonly capacity: number;
  /** `JSON.stringify([pool, id])` → slot, of the servers that are there. */
  #current = new Map<string, number>();
  /** The same, of removed servers whose slot has not been released. */
  readonly #draining = new Map<string, number>();
  /** Released slots, to be used again before new ones. */
  readonly #released: number[] = [];
  #next = 0;

  /** @param capacity `maxServers`: slots are 0..capacity−1 */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /**
   * Assigns slots for another configuration; when it throws, the earlier assignment stays in effect.
   *
   * @throws SlotsExhaustedError
   */
  assign(pools: Readonly<Record<string, PoolConfig>>): SlotAssignment {
    const keys = Object.entries(pools).flatMap(([pool, { servers }]) => servers.map((server) => keyOf(pool, server)));
    const wanted = new Set(keys);
    const fresh = [...wanted].filter((key) => !this.#current.has(key) && !this.#draining.has(key));
    if (fresh.length > this.#released.length + this.capacity - this.#next) {
      throw new SlotsExhaustedError(this.capacity, this.#draining.size);
    }
    const freed: number[] = [];
    const assigned = new Map<string, number>();
    for (const [key, slot] of this.#current) {
      if (wanted.has(key)) continue;
      this.#draining.set(key, slot);
      freed.push(slot);
    }
    for (const key of wanted) {
      assigned.set(key, this.#current.get(key) ?? this.#draining.get(key) ?? this.#released.shift() ?? this.#next++);
      this.#draining.delete(key);
    }
    this.#current = assigned;
    const slots = Object.entries(pools).map(([pool, { servers }]): [string, readonly number[]] => {
      return [pool, servers.map((server) => assigned.get(keyOf(pool, server)) as number)];
    });
    return { slots: Object.fromEntries(slots), freed };
  }

  /**
   * The slots of removed servers may be used again: nothing refers to their cells any more. A slot whose server has
   * come back in the meantime stays with it. Returns the slots that are now free.
   */
  release(slots: Iterable<number>): number[] {
    const done = new Set(slots);
    const released: number[] = [];
    for (const [key, slot] of this.#draining) {
      if (!done.has(slot)) continue;
      this.#draining.delete(key);
      this.#released.push(slot);
      released.push(slot);
    }
    return released;
  }

  /** Slots of removed servers that have not been released. */
  get draining(): readonly number[] {
    return [...this.#draining.values()];
  }
}

function keyOf(pool: string, server: ServerConfig): string {
  return JSON.stringify([pool, serverId(server)]);
}
