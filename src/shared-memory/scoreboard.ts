import type { ServerSignals } from "../core/balancing/balancer.ts";
import { decay, TAU } from "./averages.ts";
import { statusClass, takeBack, tryIncrement } from "./cells.ts";
import { ClientBoard } from "./client-board.ts";
import { HealthBoard } from "./health-board.ts";
import { stateOf } from "./health-flags.ts";
import * as L from "./layout.ts";
import { allocate, type ScoreboardHandle, type ScoreboardSize } from "./memory.ts";
import type { ServerState } from "./server-state.ts";
import { WebSocketBoard } from "./web-socket-board.ts";
import { WorkerBoard } from "./worker-board.ts";

/**
 * What all threads know about each server right now, in shared memory. The main thread creates it, workers attach to
 * its handle. Counts of requests in flight and of connections are exact over all workers; averages may lose a sample
 * when two workers write in the same instant, which an average can bear. `slot` is `Server.slot`, `now` is
 * `Clock.now()` of the system clock, which is the same in every thread.
 *
 * Everything here is a few memory accesses: no allocation, no locks, nothing waits.
 */
export class Scoreboard implements ServerSignals {
  readonly handle: ScoreboardHandle;
  /** The lane that this thread writes: its worker number; the main thread's comes after the last worker's. */
  readonly worker: number;
  /** Client connections and requests per listener. */
  readonly clients: ClientBoard;
  /** What speaks for and against each server. */
  readonly health: HealthBoard;
  /** Signs of life of each worker. */
  readonly workers: WorkerBoard;
  /** WebSockets per server and per listener. */
  readonly webSockets: WebSocketBoard;

  readonly #globals: Int32Array<SharedArrayBuffer>;
  readonly #ints: Int32Array<SharedArrayBuffer>;
  readonly #doubles: Float64Array<SharedArrayBuffer>;
  /** This thread's lane; starts at its own first server. */
  readonly #lane: Float64Array<SharedArrayBuffer>;
  /** Latest time this thread told, for averages that decay while nothing happens. */
  #now = 0;

  private constructor(handle: ScoreboardHandle, worker: number) {
    this.handle = handle;
    this.worker = worker;
    this.#globals = new Int32Array(handle.globals);
    this.#ints = new Int32Array(handle.serverCells);
    this.#doubles = new Float64Array(handle.serverCells);
    const laneLength = handle.servers * L.SERVER_LANE;
    this.#lane = new Float64Array(handle.serverLanes, worker * laneLength * 8, laneLength);
    this.clients = new ClientBoard(handle, worker);
    this.health = new HealthBoard(handle, worker);
    this.workers = new WorkerBoard(handle, worker);
    this.webSockets = new WebSocketBoard(handle, worker);
  }

  /** Allocates a scoreboard; the calling (main) thread gets the last lane. */
  static create(size: ScoreboardSize): Scoreboard {
    return new Scoreboard(allocate(size), size.workers);
  }

  /** A worker's view of the scoreboard that the main thread created. */
  static attach(handle: ScoreboardHandle, worker: number): Scoreboard {
    if (!(worker >= 0 && worker <= handle.workers)) throw new RangeError(`the scoreboard has no lane ${worker}`);
    return new Scoreboard(handle, worker);
  }

  // Requests in flight

  /** One more request in flight on the server. Each `begin` and each successful `tryBegin` needs one `end`. */
  begin(slot: number): void {
    Atomics.add(this.#ints, slot * L.SERVER_INTS + L.IN_FLIGHT, 1);
    this.#lane[slot * L.SERVER_LANE + L.LANE_IN_FLIGHT]! += 1;
  }

  /** As `begin`, unless `max` requests are in flight over all workers; 0 is no limit. True when it counted. */
  tryBegin(slot: number, max: number): boolean {
    if (!tryIncrement(this.#ints, slot * L.SERVER_INTS + L.IN_FLIGHT, max)) return false;
    this.#lane[slot * L.SERVER_LANE + L.LANE_IN_FLIGHT]! += 1;
    return true;
  }

  /** The request is over, however it ended. */
  end(slot: number): void {
    Atomics.sub(this.#ints, slot * L.SERVER_INTS + L.IN_FLIGHT, 1);
    this.#lane[slot * L.SERVER_LANE + L.LANE_IN_FLIGHT]! -= 1;
  }

  /**
   * How an exchange went (besides `end`): for averages, rates and counters.
   *
   * @param latency ms to the head of the answer; NaN when none came
   * @param success false for what `Outcome.success` calls a failure
   * @param status of the answer; 0 when none came
   */
  complete(slot: number, latency: number, success: boolean, status: number, now: number): void {
    this.#now = now;
    const lane = this.#lane;
    const mine = slot * L.SERVER_LANE;
    lane[mine + L.LANE_REQUESTS]! += 1;
    if (!success) lane[mine + L.LANE_ERRORS]! += 1;
    lane[mine + L.LANE_STATUS + statusClass(status)]! += 1;

    const cells = this.#doubles;
    const at = slot * L.SERVER_DOUBLES;
    const kept = decay(now - cells[at + L.COMPLETED_AT]!);
    cells[at + L.COMPLETED_AT] = now;
    cells[at + L.COMPLETED] = cells[at + L.COMPLETED]! * kept + 1;
    cells[at + L.FAILED] = cells[at + L.FAILED]! * kept + (success ? 0 : 1);
    if (latency >= 0) {
      cells[at + L.SAMPLES] = cells[at + L.SAMPLES]! * kept + 1;
      cells[at + L.LATENCY_SUM] = cells[at + L.LATENCY_SUM]! * kept + latency;
      const peak = cells[at + L.PEAK]!;
      if (latency >= peak) {
        cells[at + L.PEAK] = latency;
      } else {
        const keptPeak = decay(now - cells[at + L.LATENCY_AT]!);
        cells[at + L.PEAK] = peak * keptPeak + latency * (1 - keptPeak);
      }
      cells[at + L.LATENCY_AT] = now;
      lane[mine + L.LANE_LATENCY_TOTAL]! += latency;
      lane[mine + L.LANE_LATENCY_COUNT]! += 1;
      const limit = cells[at + L.SLOW_LIMIT]!;
      if (limit !== 0 && latency > limit) lane[mine + L.LANE_SLOW]! += 1;
    } else {
      cells[at + L.SAMPLES]! *= kept;
      cells[at + L.LATENCY_SUM]! *= kept;
    }
  }

  /** Bytes that came from the server and went to it. */
  addBytes(slot: number, fromServer: number, toServer: number): void {
    const mine = slot * L.SERVER_LANE;
    this.#lane[mine + L.LANE_BYTES_IN]! += fromServer;
    this.#lane[mine + L.LANE_BYTES_OUT]! += toServer;
  }

  /** A request was sent to this server after another one had failed it. */
  retried(slot: number): void {
    this.#lane[slot * L.SERVER_LANE + L.LANE_RETRIES]! += 1;
  }

  /** A second request was sent to this server because the first one, on another, took long. */
  hedged(slot: number): void {
    this.#lane[slot * L.SERVER_LANE + L.LANE_HEDGES]! += 1;
  }

  /** This worker's adaptive limit (0: none) of the pool whose first server has this slot, and its requests that wait. */
  notePool(slot: number, limit: number, waiting: number): void {
    this.#lane[slot * L.SERVER_LANE + L.LANE_POOL_LIMIT] = limit;
    this.#lane[slot * L.SERVER_LANE + L.LANE_POOL_WAITING] = waiting;
  }

  // Upstream connections

  /** One more connection to the server, open or being opened. Each needs one `connectionClosed`. */
  connectionOpened(slot: number): void {
    Atomics.add(this.#ints, slot * L.SERVER_INTS + L.CONNECTIONS, 1);
    this.#lane[slot * L.SERVER_LANE + L.LANE_CONNECTIONS]! += 1;
  }

  /** As `connectionOpened`, unless there are `max` connections over all workers; 0 is no limit. */
  tryOpen(slot: number, max: number): boolean {
    if (!tryIncrement(this.#ints, slot * L.SERVER_INTS + L.CONNECTIONS, max)) return false;
    this.#lane[slot * L.SERVER_LANE + L.LANE_CONNECTIONS]! += 1;
    return true;
  }

  connectionClosed(slot: number): void {
    Atomics.sub(this.#ints, slot * L.SERVER_INTS + L.CONNECTIONS, 1);
    this.#lane[slot * L.SERVER_LANE + L.LANE_CONNECTIONS]! -= 1;
  }

  /** A connection could not be made (the open connection is counted apart: call `connectionClosed` as well). */
  connectFailed(slot: number): void {
    this.#lane[slot * L.SERVER_LANE + L.LANE_CONNECT_FAILURES]! += 1;
  }

  /** A worker needs a connection and may not open one: another worker, if one is unused there, should close it. */
  wantConnection(slot: number): void {
    Atomics.store(this.#ints, slot * L.SERVER_INTS + L.WANTED, 1);
    Atomics.add(this.#globals, L.WANTED_VERSION, 1);
  }

  /** Changes with each `wantConnection`: compare it with the last one read to know whether to look. */
  wantedVersion(): number {
    return this.#globals[L.WANTED_VERSION]!;
  }

  /** True for one worker per wish: it is now that worker's to give a connection up. */
  takeWish(slot: number): boolean {
    const cell = slot * L.SERVER_INTS + L.WANTED;
    return this.#ints[cell] === 1 && Atomics.exchange(this.#ints, cell, 0) === 1;
  }

  // Signals that balancers read

  inFlight(slot: number): number {
    return this.#ints[slot * L.SERVER_INTS + L.IN_FLIGHT]!;
  }

  /** Upstream connections that are open or being opened, exact over all workers. */
  connections(slot: number): number {
    return this.#ints[slot * L.SERVER_INTS + L.CONNECTIONS]!;
  }

  latency(slot: number): number {
    const at = slot * L.SERVER_DOUBLES;
    return this.#doubles[at + L.LATENCY_SUM]! / this.#doubles[at + L.SAMPLES]!;
  }

  /**
   * The latency that is usual for the server in ms: the moving average or this thread's mean over all time, whichever is
   * longer. NaN when this thread has never got an answer and nobody did lately.
   */
  usualLatency(slot: number): number {
    const mine = slot * L.SERVER_LANE;
    const mean = this.#lane[mine + L.LANE_LATENCY_TOTAL]! / this.#lane[mine + L.LANE_LATENCY_COUNT]!;
    const recent = this.latency(slot);
    return recent >= mean || !(mean >= 0) ? recent : mean;
  }

  peakLatency(slot: number): number {
    const at = slot * L.SERVER_DOUBLES;
    return this.#doubles[at + L.LATENCY_AT] === 0 ? NaN : this.#doubles[at + L.PEAK]!;
  }

  latencyAt(slot: number): number {
    return this.#doubles[slot * L.SERVER_DOUBLES + L.LATENCY_AT]! || NaN;
  }

  errorRate(slot: number): number {
    const at = slot * L.SERVER_DOUBLES;
    const completed = this.#doubles[at + L.COMPLETED]!;
    return completed === 0 ? 0 : Math.min(1, this.#doubles[at + L.FAILED]! / completed);
  }

  /** As of the last time that this thread told the scoreboard (`complete`, `report` or `tick`). */
  requestRate(slot: number): number {
    const at = slot * L.SERVER_DOUBLES;
    const kept = decay(this.#now - this.#doubles[at + L.COMPLETED_AT]!);
    return (this.#doubles[at + L.COMPLETED]! * kept * 1000) / TAU;
  }

  utilisation(slot: number): number {
    const at = slot * L.SERVER_DOUBLES;
    return this.#doubles[at + L.UTILISATION_AT] === 0 ? NaN : this.#doubles[at + L.UTILISATION]!;
  }

  utilisationAt(slot: number): number {
    return this.#doubles[slot * L.SERVER_DOUBLES + L.UTILISATION_AT]! || NaN;
  }

  readySince(slot: number): number {
    return this.#doubles[slot * L.SERVER_DOUBLES + L.READY_SINCE]! || NaN;
  }

  /** Tells the time where nothing else did, before rates are read. */
  tick(now: number): void {
    this.#now = now;
  }

  /** The server reported its utilisation (0..1, may exceed 1). */
  report(slot: number, utilisation: number, now: number): void {
    this.#now = now;
    const at = slot * L.SERVER_DOUBLES;
    this.#doubles[at + L.UTILISATION] = utilisation;
    this.#doubles[at + L.UTILISATION_AT] = now;
  }

  // State

  /** Whether the server gets work; up until told otherwise by `health`. */
  state(slot: number): ServerState {
    return stateOf(this.health.flags(slot));
  }

  /** Share (0..1) of its configured weight that the server has now. */
  weightScale(slot: number): number {
    return 1 - this.#doubles[slot * L.SERVER_DOUBLES + L.WEIGHT_CUT]!;
  }

  setWeightScale(slot: number, scale: number): void {
    const cell = slot * L.SERVER_DOUBLES + L.WEIGHT_CUT;
    const cut = 1 - Math.min(1, Math.max(0, scale));
    if (this.#doubles[cell] === cut) return;
    this.#doubles[cell] = cut;
    Atomics.add(this.#globals, L.STATE_VERSION, 1);
  }

  /** Changes with any server's state or weight scale: compare it with the last one read to know whether to look. */
  stateVersion(): number {
    return this.#globals[L.STATE_VERSION]!;
  }

  /** Sets the latency in ms above which answers of the server are counted as slow; 0 for none. On the main thread. */
  setSlowLimit(slot: number, limit: number): void {
    this.#doubles[slot * L.SERVER_DOUBLES + L.SLOW_LIMIT] = limit;
  }

  // Housekeeping, on the main thread

  /**
   * Makes a free slot ready for another server: up since `now`, no averages, counters at 0 in every lane. Requests in
   * flight and connections stay as they are. Call it before any worker knows the slot.
   */
  reset(slot: number, now: number): void {
    this.#doubles.fill(0, slot * L.SERVER_DOUBLES + L.COMPLETED, slot * L.SERVER_DOUBLES + L.HEALTH_FLAGS / 2);
    this.health.reset(slot);
    this.#doubles[slot * L.SERVER_DOUBLES + L.READY_SINCE] = now;
    const all = new Float64Array(this.handle.serverLanes);
    for (let lane = 0; lane <= this.handle.workers; lane++) {
      const start = (lane * this.handle.servers + slot) * L.SERVER_LANE;
      all.fill(0, start + L.LANE_REQUESTS, start + L.LANE_WEB_SOCKETS);
      all.fill(0, start + L.LANE_MESSAGES_IN, start + L.SERVER_LANE);
    }
  }

  /** Takes back what a worker that is dead (its thread has ended) had in flight and open. Its other counts stay. */
  reclaim(worker: number): void {
    const length = this.handle.servers * L.SERVER_LANE;
    const lane = new Float64Array(this.handle.serverLanes, worker * length * 8, length);
    for (let slot = 0; slot < this.handle.servers; slot++) {
      const mine = slot * L.SERVER_LANE;
      takeBack(this.#ints, slot * L.SERVER_INTS + L.IN_FLIGHT, lane, mine + L.LANE_IN_FLIGHT);
      takeBack(this.#ints, slot * L.SERVER_INTS + L.CONNECTIONS, lane, mine + L.LANE_CONNECTIONS);
      lane[mine + L.LANE_POOL_LIMIT] = lane[mine + L.LANE_POOL_WAITING] = 0;
    }
    this.health.reclaim(worker);
    this.webSockets.reclaim(worker);
    this.clients.reclaim(worker);
    this.workers.reset(worker);
  }
}
