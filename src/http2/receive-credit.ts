import { ReceiveWindow } from "./flow-window.ts";
import { INITIAL_WINDOW } from "./frames/frame-type.ts";
import type { OutputTurns } from "./output-turns.ts";
import type { Http2ConnectionOptions } from "./peer.ts";
import type { Sender } from "./sender.ts";
import type { ConnectionStream } from "./stream.ts";
import type { StreamTable } from "./stream-table.ts";

/** Gives the peer back what it may send, as what it has sent is used up (RFC 9113 6.9). */
export class ReceiveCredit {
  /** Window of the connection. */
  readonly window: ReceiveWindow;
  private readonly streamWindow: number;
  private readonly sender: Sender;
  private readonly turns: OutputTurns;
  /** The connection is over: nobody needs credit. */
  stopped = false;

  constructor(options: Http2ConnectionOptions, sender: Sender, turns: OutputTurns) {
    this.window = new ReceiveWindow(options.connectionWindow, INITIAL_WINDOW);
    this.streamWindow = options.streamWindow;
    this.sender = sender;
    this.turns = turns;
  }

  /** Bytes of DATA on the connection were used up. */
  give(bytes: number): void {
    const increment = this.window.giveBack(bytes);
    if (increment === 0 || this.stopped) return;
    this.sender.output.windowUpdate(0, increment);
    this.turns.announce();
  }

  /** The same for one stream; there is no need when nothing more will come. */
  giveStream(stream: ConnectionStream, bytes: number): void {
    if (stream.remoteEnded || stream.closed) return;
    const increment = stream.receiveWindow.giveBack(bytes);
    if (increment === 0) return;
    this.sender.output.windowUpdate(stream.id, increment);
    this.turns.announce();
  }

  /** The user of a stream has used content up. */
  consumed(stream: ConnectionStream, bytes: number): void {
    const count = Math.min(bytes, stream.outstanding);
    if (count <= 0) return;
    stream.outstanding -= count;
    this.giveStream(stream, count);
    this.give(count);
  }

  /** Nobody will say any more that a stream's content is used up. */
  giveOutstanding(stream: ConnectionStream): void {
    const count = stream.outstanding;
    stream.outstanding = 0;
    if (count > 0) this.give(count);
  }

  /** The peer knows our settings: streams that it has opened before do not have the larger initial window any more. */
  shrink(streams: StreamTable): void {
    const excess = INITIAL_WINDOW - this.streamWindow;
    if (excess <= 0) return;
    for (let stream = streams.first; stream !== null; stream = stream.next) {
      stream.receiveWindow.shrink(excess);
      this.giveStream(stream, 0);
    }
  }
}
