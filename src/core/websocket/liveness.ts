/** What is to be done about a side of a connection. */
export type Verdict = "wait" | "ask" | "gone";

/**
 * Whether one side of a connection is still there: silent for `interval` it is asked, and silent for as long again after
 * that it is gone. Times are ms of any clock that does not go back.
 */
export class Liveness {
  /** When something came from the side last. Written with each read: nothing else happens then. */
  heardAt: number;
  readonly #interval: number;
  /** When it was asked, while nothing has come since; before `heardAt` otherwise. */
  #askedAt = -Infinity;
  /** Bytes that it had not taken when it was asked. */
  #backlog = 0;

  /** @param interval longest silence, in ms */
  constructor(interval: number, now: number) {
    this.#interval = interval;
    this.heardAt = now;
  }

  /** When `check` has to be called next. */
  get due(): number {
    return Math.max(this.heardAt, this.#askedAt) + this.#interval;
  }

  /** It was asked and has not said anything since. */
  get asked(): boolean {
    return this.heardAt < this.#askedAt;
  }

  /** The question was written, which makes it `backlog` bytes that the side has not taken. */
  ask(now: number, backlog: number): void {
    // What is heard within the same tick comes later.
    this.#askedAt = now;
    if (this.heardAt >= now) this.heardAt = now - 1;
    this.#backlog = backlog;
  }

  /**
   * @param backlog bytes written to the side that it has not taken
   * @param held nothing is read from the side at the moment, so its silence means nothing
   */
  check(now: number, backlog: number, held: boolean): Verdict {
    // A side that is slow to take what was written is slow, not gone. (One that is gone takes nothing, and soon nothing
    // more is written to it.)
    if (held || (this.asked && backlog !== 0 && backlog !== this.#backlog)) this.heardAt = now;
    this.#backlog = backlog;
    if (now < this.due) return "wait";
    return this.asked ? "gone" : "ask";
  }
}
