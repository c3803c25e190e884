/** Length of the windows that are counted in, in milliseconds. */
const WINDOW = 10_000;

/** Frames without a content of their own that may rightly follow on one that has some: window updates, priorities, resets. */
const PER_USEFUL_FRAME = 4;

/**
 * Counts frames that move nothing by themselves (WINDOW_UPDATE, PRIORITY, PRIORITY_UPDATE, unknown ones, those on streams
 * that are closed), in windows of 10 s. How many are right depends on what they are about: a peer that gets a long body
 * rightly sends an update for each of its frames, one that gets nothing has nothing to update.
 */
export class IdleFrames {
  private readonly limit: number;
  private readonly now: () => number;
  private windowEnd = -Infinity;
  private count = 0;
  /** Useful frames when the window before this one began, and when this one did. */
  private before = 0;
  private atTurn = 0;

  /** @param limit frames in 10 s that no useful one is needed for */
  constructor(limit: number, now: () => number) {
    this.limit = limit;
    this.now = now;
  }

  /** One more has come, after `useful` frames with heads and bodies in all, both ways. Whether that is too many. */
  add(useful: number): boolean {
    const now = this.now();
    if (now >= this.windowEnd) {
      this.windowEnd = now + WINDOW;
      this.count = 0;
      // Updates come later than what they are for.
      this.before = this.atTurn;
      this.atTurn = useful;
    }
    return ++this.count > this.limit + PER_USEFUL_FRAME * (useful - this.before);
  }
}
