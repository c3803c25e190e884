import { INITIAL_WINDOW } from "./frames/frame-type.ts";

/**
 * How much a peer may still send, on one stream or on the connection (RFC 9113 5.2, 6.9), and what of it was used up and
 * not yet given back. It is given back when half of the window is used up: an update for each frame would cost more than
 * most bodies.
 */
export class ReceiveWindow {
  /** Bytes that the peer may still send. */
  remaining: number;
  /** Used-up bytes for which no update has been sent; negative while a window is larger than it is meant to be. */
  private credit = 0;
  private readonly threshold: number;

  /** `size`: what is meant; `initial`: what the peer takes for granted now. */
  constructor(size: number, initial: number) {
    this.remaining = initial;
    this.credit = size < initial ? size - initial : 0;
    this.threshold = Math.max(1, size >>> 1);
  }

  /** Frames with that many bytes have come. False if there were more than allowed. */
  take(bytes: number): boolean {
    this.remaining -= bytes;
    return this.remaining >= 0;
  }

  /** That many bytes were used up. Returns the increment that the peer is to be told of now, 0 for none. */
  giveBack(bytes: number): number {
    const credit = (this.credit += bytes);
    if (credit < this.threshold) return 0;
    this.credit = 0;
    this.remaining += credit;
    return credit;
  }

  /** The peer has learnt that windows are smaller than it thought (RFC 9113 6.9.2); what was withheld for it is free. */
  shrink(bytes: number): void {
    this.remaining -= bytes;
    this.credit += bytes;
  }
}

/** The window that our streams begin with: as long as our settings are not acknowledged, the peer may still know the initial one. */
export function initialReceiveWindow(size: number, acknowledged: boolean): number {
  return acknowledged ? size : Math.max(size, INITIAL_WINDOW);
}
