/** Parts of the window that requests and retries are counted in; the window moves on by one part at a time. */
const slices = 10;

/** Settings of a {@link RetryBudget}. */
export interface RetryBudgetOptions {
  /** Retries per request: 0.2 allows one for five requests. */
  readonly share: number;
  /** Retries per second that are allowed however few requests there are; those of a window may come at once. */
  readonly minPerSecond: number;
  /** Milliseconds over which both are counted; 10,000 unless told. */
  readonly window?: number;
}

/**
 * Limits retries to a share of the requests, so that a failing pool is not given a multiple of its load: of the last
 * `window` ms, retries ≤ max(share × requests, minPerSecond × window). Counts live in ten slices that expire one by
 * one; what was counted and what was taken expire together. Memory is fixed and nothing is allocated per request.
 *
 * Sources: Finagle, RetryBudget (deposits that expire after a time, and a reserve for quiet clients); that the reserve
 * is a minimum and not an addition is Envoy's rule (`retry_budget`): with the sum a busy pool would exceed its share.
 */
export class RetryBudget {
  readonly #share: number;
  readonly #reserve: number;
  readonly #sliceLength: number;
  readonly #requests = new Float64Array(slices);
  readonly #taken = new Float64Array(slices);
  #requestSum = 0;
  #takenSum = 0;
  /** Number of the current slice since the start of the clock; -1 before the first. */
  #slice = -1;

  constructor({ share, minPerSecond, window = 10_000 }: RetryBudgetOptions) {
    this.#share = share;
    this.#reserve = (minPerSecond * window) / 1000;
    this.#sliceLength = window / slices;
  }

  /** Counts a request, which is worth `share` of a retry. For every request; a coarse time in ms will do. */
  request(now: number): void {
    this.#advance(now);
    const cell = this.#slice % slices;
    this.#requests[cell] = (this.#requests[cell] as number) + 1;
    this.#requestSum++;
  }

  /** Whether `tryTake` would be granted now. */
  allows(now: number): boolean {
    this.#advance(now);
    const allowed = Math.max(this.#share * this.#requestSum, this.#reserve);
    return this.#takenSum + 1 <= allowed + rounding;
  }

  /** Takes one retry from the budget; false, and nothing taken, when it is used up. */
  tryTake(now: number): boolean {
    if (!this.allows(now)) return false;
    const cell = this.#slice % slices;
    this.#taken[cell] = (this.#taken[cell] as number) + 1;
    this.#takenSum++;
    return true;
  }

  #advance(now: number): void {
    const slice = Math.floor(now / this.#sliceLength);
    if (slice <= this.#slice) return;
    const expired = this.#slice < 0 ? 0 : Math.min(slices, slice - this.#slice);
    for (let step = 0; step < expired; step++) {
      const cell = (slice - step) % slices;
      this.#requestSum -= this.#requests[cell] as number;
      this.#takenSum -= this.#taken[cell] as number;
      this.#requests[cell] = 0;
      this.#taken[cell] = 0;
    }
    this.#slice = slice;
  }
}

/** Five requests at 0.2 are one retry, whatever 5 × 0.2 is in binary. */
const rounding = 1e-9;
