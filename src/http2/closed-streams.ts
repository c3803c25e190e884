const RESET_BY_US = 256;
const ENDED = 64;

/**
 * A bounded memory of how streams came to their end. After a reset of ours, frames that the peer had sent before it knew
 * are still on their way; on other closed streams they are an error (RFC 9113 5.1).
 */
export class ClosedStreams {
  private readonly resets = new Int32Array(RESET_BY_US);
  private nextReset = 0;
  private readonly ended = new Int32Array(ENDED);
  private nextEnded = 0;

  /** We have reset it. */
  addReset(id: number): void {
    this.resets[this.nextReset] = id;
    this.nextReset = (this.nextReset + 1) % RESET_BY_US;
  }

  /** Both sides had ended it, or the peer has reset it. */
  addEnded(id: number): void {
    this.ended[this.nextEnded] = id;
    this.nextEnded = (this.nextEnded + 1) % ENDED;
  }

  wasReset(id: number): boolean {
    return this.resets.includes(id);
  }

  hasEnded(id: number): boolean {
    return this.ended.includes(id);
  }
}
