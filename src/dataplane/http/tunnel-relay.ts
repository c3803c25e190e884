import { GOING_AWAY, INTERNAL_ERROR } from "../../core/websocket/close-frame.ts";
import type { FrameTracker } from "../../core/websocket/frame-tracker.ts";
import { pingFrame, pongLength } from "../../core/websocket/ping-frame.ts";
import { sharedReadBuffer, takeReadBuffer } from "../transport.ts";
import type { BufferLender } from "./buffer-lender.ts";
import type { TunnelClient, TunnelHost, TunnelServer } from "./tunnel-ends.ts";
import { TunnelSide } from "./tunnel-side.ts";

/**
 * What passes through a tunnel while it is open: bytes, and between the frames of a WebSocket the proxy's own pings
 * (RFC 6455 section 5.5.2), whose Pongs end here if they come in one piece.
 */
export abstract class TunnelRelay {
  /** What the client sends, and what the server sends. */
  protected readonly up: TunnelSide;
  protected readonly down: TunnelSide;
  protected readonly client: TunnelClient;
  protected readonly server: TunnelServer;
  protected readonly host: TunnelHost;
  /** Of the server. */
  protected readonly slot: number;
  /** When anything but an answer to our pings came last. */
  protected activeAt: number;
  /** In all of our pings, so that their Pongs are known. */
  readonly #payload: number;

  constructor(client: TunnelClient, server: TunnelServer, host: TunnelHost, webSocket: boolean) {
    const { now, random } = host.context;
    const { webSocketPing } = host.plan.config.limits;
    this.client = client;
    this.server = server;
    this.host = host;
    this.slot = server.server!.slot;
    this.activeAt = now;
    this.up = new TunnelSide(true, webSocket, webSocketPing, now);
    this.down = new TunnelSide(false, webSocket, webSocketPing, now);
    this.#payload = webSocketPing === 0 ? 0 : Math.floor(random() * 2 ** 32);
  }

  abstract close(code: number, reason: string): void;
  /** The time of the next look at the sides may have changed. */
  protected abstract rearm(): void;

  /** Passes on what a side has sent while the tunnel is open. False asks the side to pause. */
  protected relay(side: TunnelSide, bytes: Buffer, from: number, to: number, lender: BufferLender | null): boolean {
    const { frames, liveness } = side;
    if (frames === null) return this.put(side, bytes, from, to, lender);
    const { context, slot } = this.host;
    if (liveness !== null) liveness.heardAt = context.now;
    const before = frames.messages;
    let goOn: boolean;
    if (side.watched) goOn = this.#relayWatched(side, frames, bytes, from, to, lender);
    else {
      frames.advance(bytes, from, to, false);
      goOn = this.put(side, bytes, from, to, lender);
    }
    const { webSockets } = context.scoreboard;
    if (side === this.up) webSockets.fromClient(slot, this.slot, to - from, frames.messages - before);
    else webSockets.fromServer(slot, this.slot, to - from, frames.messages - before);
    return goOn;
  }

  /** The same, frame by frame: takes the Pong out that is for us, and puts a ping in at a boundary. */
  #relayWatched(
    side: TunnelSide,
    frames: FrameTracker,
    bytes: Buffer,
    from: number,
    to: number,
    lender: BufferLender | null,
  ): boolean {
    let goOn = true;
    let start = from;
    let position = from;
    while (position < to) {
      if (frames.atBoundary && side.watched) {
        const pong = side.pongExpected ? pongLength(bytes, position, to, side === this.up, this.#payload) : 0;
        if ((pong !== 0 || side.pingWaits) && position > start) goOn = this.put(side, bytes, start, position, lender);
        if (pong !== 0 || side.pingWaits) start = position += pong;
        if (pong !== 0) side.watch(side.pingWaits, false);
        if (side.pingWaits) this.#ping(side);
        if (pong !== 0) continue;
      }
      position = frames.advance(bytes, position, to, side.watched);
    }
    if (to > start) goOn = this.put(side, bytes, start, to, lender);
    if (frames.lost) side.watch(false, false);
    else if (side.pingWaits && frames.atBoundary) this.#ping(side);
    return goOn;
  }

  /** Passes bytes[from, to) on to the other side. */
  protected put(side: TunnelSide, bytes: Buffer, from: number, to: number, lender: BufferLender | null): boolean {
    this.activeAt = this.host.context.now;
    const client = this.client;
    if (side === this.down) {
      client.write(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
      if (client.unsent > 0) lender!.replaceBuffer();
      return !client.needsDrain;
    }
    const shared = bytes === sharedReadBuffer;
    const goOn = this.server.tunnelSend(shared ? Buffer.from(bytes.subarray(from, to)) : bytes.subarray(from, to));
    if (!shared && !this.server.taken) client.readBuffer = takeReadBuffer();
    return goOn;
  }

  /** Where what is still passed on ends, of bytes[from, to): at the first boundary; at once if the side is muted. */
  protected pass({ frames, muted }: TunnelSide, bytes: Buffer, from: number, to: number): number {
    if (!muted) return frames === null ? to : frames.advance(bytes, from, to, true);
    // Dropped, but for knowing when the side has confirmed the end.
    frames?.advance(bytes, from, to, false);
    return from;
  }

  // --- pings ---

  /** Asks the side that has been silent for long, or gives it up. */
  protected check(side: TunnelSide, other: TunnelSide, now: number): void {
    const { liveness } = side;
    if (liveness === null || side.ended || other.pingWaits) return;
    const isClient = side === this.up;
    const towards = isClient ? this.client : this.server;
    // A side that is not read from, because the other one takes nothing, has no chance to answer.
    const held = (isClient ? this.server : this.client).unsent > 0;
    const verdict = liveness.check(now, towards.unsent, held);
    if (verdict === "gone") {
      side.gone = true;
      if (isClient) this.close(GOING_AWAY, "the client does not answer");
      else this.close(INTERNAL_ERROR, "the server does not answer");
    } else if (verdict === "ask") {
      if (other.isWithinFrame) other.watch(true, other.pongExpected);
      else this.#ping(other);
    }
  }

  /** Puts a ping behind what this side has sent, for the other side. */
  #ping(side: TunnelSide): void {
    const { context } = this.host;
    const isClient = side === this.up;
    const asked = isClient ? this.down : this.up;
    const towards = isClient ? this.server : this.client;
    side.watch(false, side.pongExpected);
    if (side.isSilenced) asked.liveness!.heardAt = context.now;
    else {
      if (isClient) this.server.tunnelSend(pingFrame(this.#payload, this.maskingKey()));
      else this.client.write(pingFrame(this.#payload));
      asked.liveness!.ask(context.now, towards.unsent);
      asked.watch(asked.pingWaits, true);
    }
    this.rearm();
  }

  protected maskingKey(): number {
    return this.host.context.random() * 2 ** 32;
  }
}
