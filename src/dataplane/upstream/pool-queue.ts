/** A request that waits for a free place on any server of its pool. */
export interface PlaceWaiter {
  /** Some servers are out of the question for it: when it finds no place, the next ones may all the same. */
  readonly isChoosy: boolean;
  /** A place may be free: true when the waiter took one or gave up, false when it has to go on waiting. */
  onPlace(): boolean;
}

/** Done entries at the front that are kept before the list is moved up. */
const COMPACT_AFTER = 1024;
/** So many choosy waiters without a place are passed over for those behind them. */
const MOST_PASSED = 16;

/**
 * Requests of one worker that wait because every server of the pool has as many in flight as it takes. First come, first
 * served. Bounded; each waiter looks after its own time.
 */
export class PoolQueue {
  readonly limit: number;
  readonly #waiting: PlaceWaiter[] = [];
  /** Where the queue begins: those before are done. */
  #head = 0;
  #advancing = false;

  constructor(limit: number) {
    this.limit = limit;
  }

  get length(): number {
    return this.#waiting.length - this.#head;
  }

  /** False when there is no room. */
  add(waiter: PlaceWaiter): boolean {
    if (this.length >= this.limit) return false;
    this.#waiting.push(waiter);
    return true;
  }

  /** The waiter does not want a place any more. */
  remove(waiter: PlaceWaiter): void {
    const index = this.#waiting.indexOf(waiter, this.#head);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** Places may have become free: lets the first ones have them. */
  advance(): void {
    // A waiter that takes its place may end at once and free it again, which the loop below sees by itself.
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      let index = this.#head;
      while (index < this.#waiting.length) {
        // It is out of the queue while it is asked: it may end, and wait again for another request, within the call.
        const waiter = this.#takeOut(index);
        if (waiter.onPlace()) {
          index = Math.max(index, this.#head);
          continue;
        }
        this.#putBack(index, waiter);
        if (!waiter.isChoosy || index - this.#head >= MOST_PASSED) return;
        index++;
      }
    } finally {
      this.#advancing = false;
      if (this.#head === this.#waiting.length) {
        this.#waiting.length = 0;
        this.#head = 0;
      } else if (this.#head > COMPACT_AFTER) {
        this.#waiting.splice(0, this.#head);
        this.#head = 0;
      }
    }
  }

  #takeOut(index: number): PlaceWaiter {
    if (index === this.#head) return this.#waiting[this.#head++]!;
    return this.#waiting.splice(index, 1)[0]!;
  }

  #putBack(index: number, waiter: PlaceWaiter): void {
    if (index === this.#head - 1) this.#head--;
    else this.#waiting.splice(index, 0, waiter);
  }
}
