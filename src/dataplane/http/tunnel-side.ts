import { FrameTracker } from "../../core/websocket/frame-tracker.ts";
import { Liveness } from "../../core/websocket/liveness.ts";

/** What one side of a tunnel sends, and whether it is still there. */
export class TunnelSide {
  /** Its frames; null when the protocol is not WebSocket. */
  readonly frames: FrameTracker | null;
  /** Null when the side is not pinged. */
  readonly liveness: Liveness | null;
  /** It has sent its last byte. */
  ended = false;
  /** Nothing that it sends is passed on any more. */
  muted = false;
  /** It did not answer a ping: nothing is expected from it any more. */
  gone = false;
  /** Frames are looked at one by one: for a boundary at which the other side's ping can go out, or for a Pong. */
  watched = false;
  /** A ping for the other side waits for the end of the frame that this side is sending. */
  pingWaits = false;
  /** Its Pong that answers our ping has not come, and is not to be passed on. */
  pongExpected = false;

  /** @param ping longest silence until it is pinged, in ms; 0 for never */
  constructor(client: boolean, webSocket: boolean, ping: number, now: number) {
    this.frames = webSocket ? new FrameTracker(client) : null;
    this.liveness = webSocket && ping !== 0 ? new Liveness(ping, now) : null;
  }

  /** Sets what is waited for within its frames. */
  watch(pingWaits: boolean, pongExpected: boolean): void {
    this.pingWaits = pingWaits;
    this.pongExpected = pongExpected;
    this.watched = pingWaits || pongExpected;
  }

  /** No frame of ours can be put behind what it sends: now, or ever. */
  get isSilenced(): boolean {
    const { frames } = this;
    return frames === null || frames.lost || frames.closed || this.ended || this.muted;
  }

  /** In the middle of a frame whose rest may still come. */
  get isWithinFrame(): boolean {
    const { frames } = this;
    return frames !== null && !frames.atBoundary && !frames.lost && !this.ended && !this.gone;
  }

  /** Whether nothing more is to be expected from it, it having been told that the tunnel ends. */
  get isDone(): boolean {
    const { frames } = this;
    return this.ended || this.gone || frames === null || frames.closed || frames.lost;
  }
}
