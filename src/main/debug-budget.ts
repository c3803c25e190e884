/** Debug lines that a worker may write in a second. */
const DEBUG_LINES = 50;

/**
 * Bounds how much a worker says at the level "debug". Such lines tell about single clients, and each is a message to the
 * main thread: clients that break rules on purpose must not be able to keep that busy.
 */
export class DebugBudget {
  #second = -Infinity;
  #used = 0;
  #left = 0;

  /** The line to be written, or undefined when there are too many; tells how many were left out before. `now` in ms. */
  take(line: string, now: number): string | undefined {
    if (now >= this.#second + 1000) {
      this.#second = now;
      this.#used = 0;
    }
    if (++this.#used > DEBUG_LINES) {
      this.#left++;
      return undefined;
    }
    const left = this.#left;
    this.#left = 0;
    return left === 0 ? line : `${line} (${left} such lines were left out before)`;
  }
}
