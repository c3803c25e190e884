/**
 * Something that lasts and is bound to one server of this worker: a WebSocket. An HTTP/2 connection of a client is none,
 * because each of its requests is balanced by itself.
 */
export interface Movable {
  /**
   * Ends politely, so that the client comes back and gets another server. It is counted out of its server already, and
   * taken off the list.
   */
  moveAway(): void;
}

/** What is bound to each server, by its slot, in the order in which it began. */
export class Movables {
  readonly #bySlot = new Map<number, Set<Movable>>();

  add(slot: number, movable: Movable): void {
    const set = this.#bySlot.get(slot);
    if (set === undefined) this.#bySlot.set(slot, new Set([movable]));
    else set.add(movable);
  }

  remove(slot: number, movable: Movable): void {
    const set = this.#bySlot.get(slot);
    if (set?.delete(movable) === true && set.size === 0) this.#bySlot.delete(slot);
  }

  count(slot: number): number {
    return this.#bySlot.get(slot)?.size ?? 0;
  }

  /** Takes the oldest one off the list. */
  takeOldest(slot: number): Movable | undefined {
    const oldest = this.#bySlot.get(slot)?.values().next().value;
    if (oldest !== undefined) this.remove(slot, oldest);
    return oldest;
  }
}
