/** Bounds how many do something at a time; the others wait in line. */
export class Places {
  readonly #most: number;
  #taken = 0;
  /** Those in line, the first one first. */
  readonly #line = new Set<() => void>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves with a place, which must be given back; rejects when the signal fires before there is one. */
  take(signal: AbortSignal): Promise<void> {
    if (this.#taken < this.#most) {
      this.#taken++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const start = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#line.delete(start);
        reject(new Error("cancelled"));
      };
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      this.#line.add(start);
    });
  }

  /** Gives a place back: the next in line has it. */
  give(): void {
    const [next] = this.#line;
    if (next === undefined) {
      this.#taken--;
      return;
    }
    this.#line.delete(next);
    next();
  }
}
