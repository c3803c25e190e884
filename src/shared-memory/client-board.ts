import { statusClass, takeBack, tryIncrement } from "./cells.ts";
import { BUCKETS, bucketOf } from "./histogram.ts";
import * as L from "./layout.ts";
import type { ScoreboardHandle } from "./memory.ts";

/**
 * The clients' side of the scoreboard: per listener its open connections (exact over workers), its counters and a
 * histogram of latencies. `listener` is the place that `listenerSlot` gives; it stays the listener's over reloads.
 */
export class ClientBoard {
  readonly #handle: ScoreboardHandle;
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #lane: Float64Array<SharedArrayBuffer>;
  readonly #histogram: Uint32Array<SharedArrayBuffer>;

  constructor(handle: ScoreboardHandle, worker: number) {
    this.#handle = handle;
    this.#cells = new Int32Array(handle.listenerCells);
    this.#lane = laneOf(handle, worker);
    this.#histogram = histogramOf(handle, worker);
  }

  /**
   * The place of a listener, the same in every worker: found, or taken if the name has none yet. Not for the request
   * path. Throws a RangeError when all places are taken.
   */
  listenerSlot(name: string): number {
    const hash = nameHash(name);
    for (let place = 0; place < L.MAX_LISTENERS; place++) {
      if (Atomics.load(this.#cells, place * L.LISTENER_INTS + L.LISTENER_NAME) === hash) return place;
    }
    for (let place = 0; place < L.MAX_LISTENERS; place++) {
      const found = Atomics.compareExchange(this.#cells, place * L.LISTENER_INTS + L.LISTENER_NAME, 0, hash);
      if (found === 0 || found === hash) return place;
    }
    throw new RangeError(`there is room for ${L.MAX_LISTENERS} listeners`);
  }

  /**
   * Gives the place of a listener that no worker uses any more to others, its counters cleared; main thread only.
   * False when clients are still connected: then nothing happens.
   */
  release(name: string): boolean {
    const place = this.listenerSlot(name);
    if (this.open(place) > 0) return false;
    for (let worker = 0; worker <= this.#handle.workers; worker++) {
      laneOf(this.#handle, worker).fill(0, place * L.LISTENER_LANE, (place + 1) * L.LISTENER_LANE);
      histogramOf(this.#handle, worker).fill(0, place * BUCKETS, (place + 1) * BUCKETS);
    }
    Atomics.store(this.#cells, place * L.LISTENER_INTS + L.LISTENER_NAME, 0);
    return true;
  }

  /** Counts a client connection; false, and counted as rejected, when `max` are open over all workers (0: no limit). */
  tryAccept(listener: number, max: number): boolean {
    const mine = listener * L.LISTENER_LANE;
    if (!tryIncrement(this.#cells, listener * L.LISTENER_INTS + L.LISTENER_OPEN, max)) {
      this.#lane[mine + L.CLIENTS_REJECTED]! += 1;
      return false;
    }
    this.#lane[mine + L.CLIENTS_OPEN]! += 1;
    this.#lane[mine + L.CLIENTS_ACCEPTED]! += 1;
    return true;
  }

  /** A client connection that `tryAccept` counted is gone. */
  closed(listener: number): void {
    Atomics.sub(this.#cells, listener * L.LISTENER_INTS + L.LISTENER_OPEN, 1);
    this.#lane[listener * L.LISTENER_LANE + L.CLIENTS_OPEN]! -= 1;
  }

  /** Open client connections over all workers. */
  open(listener: number): number {
    return this.#cells[listener * L.LISTENER_INTS + L.LISTENER_OPEN]!;
  }

  /**
   * A request has its answer.
   *
   * @param status what the client got; 0 when it left before
   * @param latency ms from the end of the request's head to the head of the answer; NaN is not put in the histogram
   */
  answered(listener: number, status: number, latency: number): void {
    const mine = listener * L.LISTENER_LANE;
    this.#lane[mine + L.CLIENT_REQUESTS]! += 1;
    this.#lane[mine + L.CLIENT_STATUS + statusClass(status)]! += 1;
    if (latency >= 0) this.#histogram[listener * BUCKETS + bucketOf(latency)]! += 1;
  }

  /** A request was refused for breaking the protocol or a limit; `answered` is called for its answer as for others. */
  refused(listener: number): void {
    this.#lane[listener * L.LISTENER_LANE + L.CLIENT_REFUSED]! += 1;
  }

  /** A connection became a tunnel. */
  upgraded(listener: number): void {
    this.#lane[listener * L.LISTENER_LANE + L.CLIENT_UPGRADES]! += 1;
  }

  /** A TLS handshake succeeded, `time` ms after the connection was accepted. */
  handshakeDone(listener: number, time: number, resumed: boolean): void {
    const mine = listener * L.LISTENER_LANE;
    this.#lane[mine + L.HANDSHAKES]! += 1;
    this.#lane[mine + L.HANDSHAKE_TIME]! += time;
    if (resumed) this.#lane[mine + L.HANDSHAKES_RESUMED]! += 1;
  }

  /** A TLS handshake failed, or did not come to its end. */
  handshakeFailed(listener: number): void {
    this.#lane[listener * L.LISTENER_LANE + L.HANDSHAKES_FAILED]! += 1;
  }

  /** Bytes that came from clients and went to them. */
  addBytes(listener: number, fromClient: number, toClient: number): void {
    const mine = listener * L.LISTENER_LANE;
    this.#lane[mine + L.CLIENT_BYTES_IN]! += fromClient;
    this.#lane[mine + L.CLIENT_BYTES_OUT]! += toClient;
  }

  /** Takes back a dead worker's open connections; main thread only. */
  reclaim(worker: number): void {
    const lane = laneOf(this.#handle, worker);
    for (let place = 0; place < L.MAX_LISTENERS; place++) {
      const mine = place * L.LISTENER_LANE + L.CLIENTS_OPEN;
      takeBack(this.#cells, place * L.LISTENER_INTS + L.LISTENER_OPEN, lane, mine);
    }
  }
}

function laneOf(handle: ScoreboardHandle, worker: number): Float64Array<SharedArrayBuffer> {
  const length = L.MAX_LISTENERS * L.LISTENER_LANE;
  return new Float64Array(handle.listenerLanes, worker * length * 8, length);
}

function histogramOf(handle: ScoreboardHandle, worker: number): Uint32Array<SharedArrayBuffer> {
  const length = L.MAX_LISTENERS * BUCKETS;
  return new Uint32Array(handle.histograms, worker * length * 4, length);
}

/** FNV-1a over the name's UTF-16 units, never 0. Names that collide (1 in 4 thousand million) would share counters. */
function nameHash(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash | 0 || 1;
}
