/** Something with a deadline. The wheel only touches the fields whose names begin with `wheel`. */
export interface Timed {
  /** When it is due, in ms of the wheel's clock; Infinity for never. Moving it later needs no call. */
  deadline: number;
  /** The wheel's own notes: its neighbours in the slot, and the tick that the entry is filed under (-1: in no slot). */
  wheelNext: Timed | null;
  wheelPrevious: Timed | null;
  wheelTick: number;
  /** Called once the deadline has passed, by up to one tick late. Set a new deadline and `arm` again to go on. */
  onDeadline(now: number): void;
}

/**
 * A hashed timer wheel for deadlines that move much more often than they pass (Varghese & Lauck, scheme 6).
 * An entry stays filed under the earliest tick that it was armed for. When that tick comes and the deadline has
 * moved on, the entry is filed again; so moving a deadline later, once per request, is one store to a field.
 */
export class TimerWheel {
  readonly #slots: (Timed | null)[];
  readonly #tickLength: number;
  readonly #due: Timed[] = [];
  #tick: number;

  /**
   * @param now time of the wheel's start in ms
   * @param tickLength ms per tick: how late a deadline may be noticed
   * @param slots ticks per turn of the wheel
   */
  constructor(now: number, tickLength = 50, slots = 2048) {
    this.#slots = Array.from({ length: slots }, () => null);
    this.#tickLength = tickLength;
    this.#tick = Math.floor(now / tickLength);
  }

  /** Makes sure that the entry is looked at by its deadline. Needed when the deadline is new or earlier than before. */
  arm(entry: Timed): void {
    if (entry.deadline === Infinity) return;
    const due = Math.max(this.#tick + 1, Math.ceil(entry.deadline / this.#tickLength));
    // Filed early enough already: it will be filed again when that tick comes.
    if (entry.wheelTick >= 0) {
      if (entry.wheelTick <= due) return;
      this.#remove(entry);
    }
    // Far deadlines go at most one turn ahead and are filed again from there.
    this.#file(entry, Math.min(due, this.#tick + this.#slots.length - 1));
  }

  /** Forgets the entry and holds no reference to it any more; it may be armed again later. */
  disarm(entry: Timed): void {
    entry.deadline = Infinity;
    if (entry.wheelTick >= 0) this.#remove(entry);
  }

  /**
   * Runs what is due at `now` (ms). An entry that a callback arms for the past runs one tick later.
   *
   * @param onBug gets what a callback throws, and the others run all the same; without it advance throws
   */
  advance(now: number, onBug: (error: unknown) => void = raise): void {
    const target = Math.floor(now / this.#tickLength);
    const slots = this.#slots.length;
    if (target - this.#tick > slots) this.#tick = target - slots;
    while (this.#tick < target) {
      this.#tick++;
      const index = this.#tick % slots;
      let entry = this.#slots[index] ?? null;
      if (entry === null) continue;
      // The slot is emptied first: callbacks may arm and disarm any entry, those of this slot too.
      this.#slots[index] = null;
      while (entry !== null) {
        this.#due.push(entry);
        const next: Timed | null = entry.wheelNext;
        entry.wheelNext = entry.wheelPrevious = null;
        entry.wheelTick = -1;
        entry = next;
      }
      for (const due of this.#due) {
        if (due.deadline <= now) {
          due.deadline = Infinity;
          try {
            due.onDeadline(now);
          } catch (error) {
            onBug(error);
          }
        } else this.arm(due);
      }
      this.#due.length = 0;
    }
  }

  #file(entry: Timed, tick: number): void {
    const index = tick % this.#slots.length;
    const first = this.#slots[index] ?? null;
    entry.wheelTick = tick;
    entry.wheelNext = first;
    entry.wheelPrevious = null;
    if (first !== null) first.wheelPrevious = entry;
    this.#slots[index] = entry;
  }

  #remove(entry: Timed): void {
    if (entry.wheelPrevious === null) this.#slots[entry.wheelTick % this.#slots.length] = entry.wheelNext;
    else entry.wheelPrevious.wheelNext = entry.wheelNext;
    if (entry.wheelNext !== null) entry.wheelNext.wheelPrevious = entry.wheelPrevious;
    entry.wheelNext = entry.wheelPrevious = null;
    entry.wheelTick = -1;
  }
}

function raise(error: unknown): never {
  throw error;
}
