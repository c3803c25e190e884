import { CATCH_UP } from "../core/balancing/rebalance.ts";
import { takeBack } from "./cells.ts";
import * as L from "./layout.ts";
import type { ScoreboardHandle } from "./memory.ts";

/** A time that lies so many ms ahead of the own clock's is another worker's of this moment; beyond it, it has wrapped. */
const AHEAD = 60_000;

/**
 * WebSockets in the scoreboard: how many are open per server (exact over all workers) and per listener, what passes
 * through them, and the pace of rebalancing. `server` is `Server.slot`, `listener` the listener's place.
 */
export class WebSocketBoard {
  readonly #handle: ScoreboardHandle;
  readonly #ints: Int32Array<SharedArrayBuffer>;
  readonly #servers: Float64Array<SharedArrayBuffer>;
  readonly #listeners: Float64Array<SharedArrayBuffer>;

  constructor(handle: ScoreboardHandle, worker: number) {
    this.#handle = handle;
    this.#ints = new Int32Array(handle.serverCells);
    this.#servers = serverLane(handle, worker);
    this.#listeners = listenerLane(handle, worker);
  }

  /** WebSockets that are open on the server and not being closed. */
  open(server: number): number {
    return this.#ints[server * L.SERVER_INTS + L.WEB_SOCKETS]!;
  }

  /** One more on this server. Each needs one `left`, or one `tryLeave` that succeeds. */
  joined(server: number): void {
    Atomics.add(this.#ints, server * L.SERVER_INTS + L.WEB_SOCKETS, 1);
    this.#servers[server * L.SERVER_LANE + L.LANE_WEB_SOCKETS]! += 1;
  }

  /** One of this worker's is over, or begins to be closed. */
  left(server: number): void {
    Atomics.sub(this.#ints, server * L.SERVER_INTS + L.WEB_SOCKETS, 1);
    this.#servers[server * L.SERVER_LANE + L.LANE_WEB_SOCKETS]! -= 1;
  }

  /** As `left` for one that rebalancing closes, if more than `keep` are open; false, and nothing has happened, otherwise. */
  tryLeave(server: number, keep: number): boolean {
    const cell = server * L.SERVER_INTS + L.WEB_SOCKETS;
    let seen = Atomics.load(this.#ints, cell);
    while (seen > keep) {
      const found = Atomics.compareExchange(this.#ints, cell, seen, seen - 1);
      if (found === seen) {
        this.#servers[server * L.SERVER_LANE + L.LANE_WEB_SOCKETS]! -= 1;
        this.#servers[server * L.SERVER_LANE + L.LANE_REBALANCED]! += 1;
        return true;
      }
      seen = found;
    }
    return false;
  }

  /**
   * Takes a turn to close one WebSocket of the pool whose first server this is: true at most once in `interval` ms over
   * all workers, however they ask. Turns that were not taken are not saved up, but for those of the last CATCH_UP ms
   * where workers look less often than there are turns.
   */
  takeTurn(server: number, now: number, interval: number): boolean {
    const cell = server * L.SERVER_INTS + L.REBALANCED_AT;
    const last = Atomics.load(this.#ints, cell);
    // 0 is "never"; a time that happens to be 0 is taken to be a little later.
    const time = Math.floor(now) | 0 || 1;
    const since = (time - last) | 0;
    if (last !== 0 && since < interval && since > -AHEAD) return false;
    const saved = last !== 0 && interval < CATCH_UP && since > 0 ? Math.min(since - interval, CATCH_UP) : 0;
    return Atomics.compareExchange(this.#ints, cell, last, (time - saved) | 0 || 1) === last;
  }

  /** A client has one more WebSocket open, or (−1) one less. */
  clientHas(listener: number, change: number): void {
    this.#listeners[listener * L.LISTENER_LANE + L.CLIENT_WEB_SOCKETS]! += change;
  }

  /** Bytes came from a client, and with them the ends of so many messages. */
  fromClient(listener: number, server: number, bytes: number, messages: number): void {
    const client = listener * L.LISTENER_LANE;
    const upstream = server * L.SERVER_LANE;
    this.#listeners[client + L.CLIENT_TUNNEL_BYTES_IN]! += bytes;
    this.#servers[upstream + L.LANE_TUNNEL_BYTES_OUT]! += bytes;
    if (messages === 0) return;
    this.#listeners[client + L.CLIENT_MESSAGES_IN]! += messages;
    this.#servers[upstream + L.LANE_MESSAGES_OUT]! += messages;
  }

  /** Bytes came from a server, and with them the ends of so many messages. */
  fromServer(listener: number, server: number, bytes: number, messages: number): void {
    const client = listener * L.LISTENER_LANE;
    const upstream = server * L.SERVER_LANE;
    this.#listeners[client + L.CLIENT_TUNNEL_BYTES_OUT]! += bytes;
    this.#servers[upstream + L.LANE_TUNNEL_BYTES_IN]! += bytes;
    if (messages === 0) return;
    this.#listeners[client + L.CLIENT_MESSAGES_OUT]! += messages;
    this.#servers[upstream + L.LANE_MESSAGES_IN]! += messages;
  }

  /** Takes back what a dead worker had open; main thread only. */
  reclaim(worker: number): void {
    const servers = serverLane(this.#handle, worker);
    for (let slot = 0; slot < this.#handle.servers; slot++) {
      takeBack(this.#ints, slot * L.SERVER_INTS + L.WEB_SOCKETS, servers, slot * L.SERVER_LANE + L.LANE_WEB_SOCKETS);
    }
    const listeners = listenerLane(this.#handle, worker);
    for (let place = 0; place < L.MAX_LISTENERS; place++) listeners[place * L.LISTENER_LANE + L.CLIENT_WEB_SOCKETS] = 0;
  }
}

function serverLane(handle: ScoreboardHandle, worker: number): Float64Array<SharedArrayBuffer> {
  const length = handle.servers * L.SERVER_LANE;
  return new Float64Array(handle.serverLanes, worker * length * 8, length);
}

function listenerLane(handle: ScoreboardHandle, worker: number): Float64Array<SharedArrayBuffer> {
  const length = L.MAX_LISTENERS * L.LISTENER_LANE;
  return new Float64Array(handle.listenerLanes, worker * length * 8, length);
}
