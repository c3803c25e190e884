import { closeFrame, GOING_AWAY, SERVICE_RESTART } from "../../core/websocket/close-frame.ts";
import type { Movable } from "../rebalance/movable.ts";
import type { Timed } from "../timer-wheel.ts";
import type { BufferLender } from "./buffer-lender.ts";
import type { TunnelClient, TunnelHost, TunnelServer } from "./tunnel-ends.ts";
import { TunnelRelay } from "./tunnel-relay.ts";
import type { TunnelSide } from "./tunnel-side.ts";

/**
 * How long a tunnel that must end waits, in ms: for the end of a frame that is on its way, and for both sides to confirm
 * the Close frame that was put behind it.
 */
export const TUNNEL_CLOSE_GRACE = 2000;
/** How long both sides may then take to end their sending halves, in ms. What they still send is dropped. */
const END_GRACE = 2000;

/** Bytes pass, both ways. */
const OPEN = 0;
/** The tunnel must end: each direction gets a Close frame at its next boundary. */
const CLOSING = 1;
/** Both sending halves were ended; what still comes is dropped. */
const ENDING = 2;
/** One of the connections is gone, and the other one is no longer this tunnel's business. */
const OVER = 3;

/**
 * What a connection is after an upgrade: bytes both ways, until one side ends, both are silent for long, or `close` ends
 * it in the way of its protocol. It knows that of WebSocket: a Close frame to both sides, each at a boundary of frames
 * (RFC 6455 section 7). There it counts messages and may ping a silent side, too. Of any other protocol it knows only
 * that a stream has an end.
 */
export class Tunnel extends TunnelRelay implements Timed, Movable {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly #webSocket: boolean;
  readonly #idleTimeout: number;
  #state = OPEN;
  /** Counts as a WebSocket of the listener; of the server, where it may be moved away from. */
  #counted = false;
  #movable = false;
  /** What the Close frames say. */
  #code = GOING_AWAY;
  #reason = "";

  /** @param webSocket whether the bytes are WebSocket frames */
  constructor(client: TunnelClient, server: TunnelServer, host: TunnelHost, webSocket: boolean) {
    super(client, server, host, webSocket);
    this.#webSocket = webSocket;
    this.#idleTimeout = host.plan.config.limits.tunnelIdleTimeout;
    if (webSocket) this.#enlist();
    this.rearm();
  }

  /** `close` was called: the two sides need not be told anything more. */
  get closing(): boolean {
    return this.#state === CLOSING || this.#state === ENDING;
  }

  /** The client has sent buffer[from, length). False asks it to pause. */
  fromClient(buffer: Buffer, from: number, length: number): boolean {
    const up = this.up;
    if (this.#state === OPEN) return this.relay(up, buffer, from, length, null);
    const to = this.pass(up, buffer, from, length);
    const goOn = to === from || this.put(up, buffer, from, to, null);
    if (this.#state === CLOSING) {
      this.#closeTowardsServer();
      this.#endIfDone();
    }
    return goOn || up.muted;
  }

  /** The server has sent these bytes, which lie in a buffer of `lender`. False asks it to pause. */
  fromServer(bytes: Buffer, lender: BufferLender): boolean {
    const down = this.down;
    if (this.#state === OPEN) return this.relay(down, bytes, 0, bytes.length, lender);
    const to = this.pass(down, bytes, 0, bytes.length);
    const goOn = to === 0 || this.put(down, bytes, 0, to, lender);
    if (this.#state === CLOSING) {
      this.#closeTowardsClient();
      this.#endIfDone();
    }
    return goOn || down.muted;
  }

  /** The client has sent its last byte. */
  clientEnded(): void {
    this.up.ended = true;
    if (this.#state === OPEN) return this.server.tunnelClientEnded();
    if (this.#state !== CLOSING) return;
    this.#closeTowardsServer();
    this.#endIfDone();
  }

  /** The server has sent its last byte. */
  serverEnded(): void {
    this.down.ended = true;
    if (this.#state === OPEN) return this.client.endSending();
    if (this.#state !== CLOSING) return;
    this.#closeTowardsClient();
    this.#endIfDone();
  }

  /**
   * The tunnel must end: in the way of its protocol if that is possible soon, by the ends of both streams otherwise.
   *
   * @param code of the Close frames, and `reason` their text
   */
  close(code = GOING_AWAY, reason = "going away"): void {
    if (this.#state !== OPEN) return;
    this.#state = CLOSING;
    this.#code = code;
    this.#reason = reason;
    this.#settle();
    this.#wait(TUNNEL_CLOSE_GRACE);
    this.#closeTowardsServer();
    this.#closeTowardsClient();
    this.#endIfDone();
  }

  moveAway(): void {
    this.#movable = false;
    this.close(SERVICE_RESTART, "rebalancing");
  }

  /** One of the two connections is gone. */
  over(): void {
    this.#state = OVER;
    this.host.context.wheel.disarm(this);
    this.#settle();
    if (!this.#counted) return;
    this.#counted = false;
    this.#countClient(-1);
  }

  onDeadline(now: number): void {
    if (this.#state === CLOSING) return this.#end();
    if (this.#state === ENDING || (!this.#webSocket && now >= this.activeAt + this.#idleTimeout))
      return this.client.cut();
    if (now >= this.activeAt + this.#idleTimeout) return this.close(GOING_AWAY, "idle");
    this.check(this.up, this.down, now);
    if (this.#state === OPEN) this.check(this.down, this.up, now);
    if (this.#state === OPEN) this.rearm();
  }

  // --- counts ---

  #enlist(): void {
    const { scoreboard, movables } = this.host.context;
    this.#counted = this.#movable = true;
    this.#countClient(1);
    scoreboard.webSockets.joined(this.slot);
    movables.add(this.slot, this);
  }

  #countClient(change: number): void {
    const host = this.host;
    host.webSockets += change;
    host.context.scoreboard.webSockets.clientHas(host.slot, change);
  }

  /** From now on it is none of those that the server has, and that may be moved. */
  #settle(): void {
    if (!this.#movable) return;
    this.#movable = false;
    const { scoreboard, movables } = this.host.context;
    scoreboard.webSockets.left(this.slot);
    movables.remove(this.slot, this);
  }

  // --- the end ---

  /** Puts a Close frame behind the client's last whole frame, unless the client has sent one itself. */
  #closeTowardsServer(): void {
    const up = this.up;
    const { gone } = this.down;
    if (up.muted || (up.isWithinFrame && !gone)) return;
    const tells = !up.isSilenced && up.frames!.atBoundary && !gone;
    up.muted = true;
    if (tells) this.server.tunnelSend(closeFrame(this.#code, this.#reason, this.maskingKey()));
    // Nothing is passed on any more, so nothing has to be waited for.
    this.client.resumeReading();
  }

  #closeTowardsClient(): void {
    const down = this.down;
    const { gone } = this.up;
    if (down.muted || (down.isWithinFrame && !gone)) return;
    const tells = !down.isSilenced && down.frames!.atBoundary && !gone;
    down.muted = true;
    if (tells) this.client.write(closeFrame(this.#code, this.#reason));
    this.server.resume();
  }

  /** Ends both streams once each side has got its Close frame and confirmed it, or cannot. */
  #endIfDone(): void {
    const [up, down] = [this.up, this.down];
    if (up.muted && down.muted && up.isDone && down.isDone) this.#end();
  }

  #end(): void {
    this.#state = ENDING;
    this.up.muted = this.down.muted = true;
    this.#wait(END_GRACE);
    this.client.resumeReading();
    this.server.resume();
    // The client's end may end everything, so it comes last.
    this.server.tunnelClientEnded();
    this.client.endSending();
  }

  // --- deadlines ---

  #wait(time: number): void {
    this.deadline = this.host.context.now + time;
    this.host.context.wheel.arm(this);
  }

  /** Reads move no deadline: what has happened meanwhile is looked at when it comes. */
  protected rearm(): void {
    const [up, down] = [this.up, this.down];
    this.deadline = Math.min(this.activeAt + this.#idleTimeout, checkAt(up, down), checkAt(down, up));
    this.host.context.wheel.arm(this);
  }
}

/** When it has to be looked at whether the side is there. */
function checkAt({ liveness, ended }: TunnelSide, other: TunnelSide): number {
  return liveness === null || ended || other.pingWaits ? Infinity : liveness.due;
}
