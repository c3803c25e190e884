import type { ConnectionState } from "./connection-state.ts";
import { ErrorCode } from "./error-code.ts";
import { Flag, MAX_31_BITS, readUint31, readUint32 } from "./frames/frame-type.ts";
import type { HeadBlocks } from "./head-blocks.ts";

/** Content of our pings: with it, an answer to one can be told from what a peer makes up. */
const PING = Buffer.from("evenkeel", "latin1");

/** SETTINGS, PING and GOAWAY: what is about the connection as a whole. */
export class ControlFrames {
  private readonly state: ConnectionState;
  private readonly heads: HeadBlocks;
  private pings = 0;

  constructor(state: ConnectionState, heads: HeadBlocks) {
    this.state = state;
    this.heads = heads;
  }

  /** RFC 9113 6.5. */
  settings(flags: number, stream: number, buffer: Buffer, from: number, to: number): void {
    const { state } = this;
    if (stream !== 0) return state.fail(ErrorCode.protocolError, "SETTINGS on a stream");
    if ((flags & Flag.ack) !== 0) return this.acknowledged(to - from);
    if ((to - from) % 6 !== 0) return state.fail(ErrorCode.frameSizeError, "SETTINGS of a length that is not one");
    if (state.meter.settings()) return state.abuse("maxSettings");
    const { peer, sender } = state;
    const error = peer.read(buffer, from, to);
    if (error >= 0) return state.fail(error, peer.problem);
    sender.encoder.setMaxTableSize(peer.headerTableSize);
    if (!this.resizeWindows(peer.initialWindowSize - sender.initialWindow)) return;
    sender.output.settingsAck();
    state.countReply();
    if (!state.over) state.owner.onSettings();
  }

  /** RFC 9113 6.9.2. */
  private resizeWindows(change: number): boolean {
    if (change === 0) return true;
    const { sender, streams } = this.state;
    sender.initialWindow += change;
    for (let stream = streams.first; stream !== null; stream = stream.next) {
      if (sender.widenStream(stream, change)) continue;
      this.state.fail(ErrorCode.flowControlError, "INITIAL_WINDOW_SIZE makes a stream's window exceed 2^31-1");
      return false;
    }
    return true;
  }

  private acknowledged(length: number): void {
    const { state } = this;
    if (length !== 0) return state.fail(ErrorCode.frameSizeError, "an acknowledgement of SETTINGS with a payload");
    if (state.settingsAcknowledged) return state.fail(ErrorCode.protocolError, "SETTINGS is acknowledged twice");
    state.settingsAcknowledged = true;
    this.heads.settingsAcknowledged();
    state.credit.shrink(state.streams);
  }

  /** RFC 9113 6.7. */
  ping(flags: number, stream: number, buffer: Buffer, from: number, to: number): void {
    const { state } = this;
    if (stream !== 0) return state.fail(ErrorCode.protocolError, "PING on a stream");
    if (to - from !== 8) return state.fail(ErrorCode.frameSizeError, "PING of a length other than 8");
    if ((flags & Flag.ack) !== 0 && this.pings > 0 && PING.compare(buffer, from, to) === 0) {
      this.pings--;
      return state.owner.onPong();
    }
    if (state.meter.ping()) return state.abuse("maxPings");
    if ((flags & Flag.ack) !== 0) return;
    state.sender.output.ping(true, buffer, from);
    state.countReply();
  }

  sendPing(): void {
    this.pings++;
    this.state.sender.output.ping(false, PING, 0);
  }

  /** RFC 9113 6.8. */
  goAway(stream: number, buffer: Buffer, from: number, to: number): void {
    const { state } = this;
    if (stream !== 0) return state.fail(ErrorCode.protocolError, "GOAWAY on a stream");
    if (to - from < 8) return state.fail(ErrorCode.frameSizeError, "GOAWAY of less than 8 bytes");
    const last = readUint31(buffer, from);
    const code = readUint32(buffer, from + 4);
    if (last > state.goAwayReceived) return state.fail(ErrorCode.protocolError, "GOAWAY takes its last stream back");
    if (!state.isServer && last !== MAX_31_BITS && last !== 0 && last % 2 === 0)
      return state.fail(ErrorCode.protocolError, "GOAWAY names a stream that is not ours");
    state.goAwayReceived = last;
    if (!state.isServer) state.abandonAbove(last);
    if (!state.over) state.owner.onGoAway(last, code);
  }
}
