import { Value } from "typebox/value";
import { seededRandom, type Random } from "../random.ts";
import type { Balancer, BalancingAlgorithm, Server, ServerSignals } from "./balancer.ts";
import { nextPeakAverage } from "./latency-cost.ts";
import { makeServers, setOf } from "./pool.fixture.ts";

/** Time in which averages forget, as in shared memory; ms. */
const decay = 10_000;
/** Time over which servers average the utilisation that they report; ms. */
const utilisationDecay = 3000;

/** What the workers of a node know about the servers: averages that forget, kept as shared memory keeps them. */
class ModelSignals implements ServerSignals {
  readonly #inFlight: Int32Array;
  readonly #completed: Float64Array;
  readonly #latencySum: Float64Array;
  readonly #peak: Float64Array;
  readonly #at: Float64Array;
  readonly #utilisation: Float64Array;
  readonly #clock: { time: number };

  constructor(size: number, clock: { time: number }) {
    this.#clock = clock;
    this.#inFlight = new Int32Array(size);
    this.#completed = new Float64Array(size);
    this.#latencySum = new Float64Array(size);
    this.#peak = new Float64Array(size).fill(NaN);
    this.#at = new Float64Array(size).fill(NaN);
    this.#utilisation = new Float64Array(size).fill(NaN);
  }

  inFlight = (slot: number) => this.#inFlight[slot] as number;
  latency = (slot: number) => (this.#latencySum[slot] as number) / (this.#completed[slot] as number);
  peakLatency = (slot: number) => this.#peak[slot] as number;
  latencyAt = (slot: number) => this.#at[slot] as number;
  errorRate = () => 0;
  requestRate = (slot: number) => ((this.#completed[slot] as number) * this.#kept(slot) * 1000) / decay;
  utilisation = (slot: number) => this.#utilisation[slot] as number;
  utilisationAt = (slot: number) => this.#at[slot] as number;
  readySince = () => 0;

  begin(slot: number): void {
    this.#inFlight[slot] = (this.#inFlight[slot] as number) + 1;
  }

  /** @param utilisation share of the server's places that are busy; what it reports is an average of that */
  end(slot: number, latency: number, utilisation: number): void {
    const now = this.#clock.time;
    const kept = this.#kept(slot);
    this.#inFlight[slot] = (this.#inFlight[slot] as number) - 1;
    this.#completed[slot] = (this.#completed[slot] as number) * kept + 1;
    this.#latencySum[slot] = (this.#latencySum[slot] as number) * kept + latency;
    const elapsed = now - (this.#at[slot] as number);
    this.#peak[slot] = nextPeakAverage(this.#peak[slot] as number, elapsed, latency, decay);
    this.#at[slot] = now;
    const forgotten = 1 - Math.exp(-elapsed / utilisationDecay);
    const before = this.#utilisation[slot] as number;
    this.#utilisation[slot] = before >= 0 ? before + forgotten * (utilisation - before) : utilisation;
  }

  #kept(slot: number): number {
    const at = this.#at[slot] as number;
    return Number.isNaN(at) ? 1 : Math.exp(-(this.#clock.time - at) / decay);
  }
}

interface Departure {
  readonly time: number;
  readonly server: Server;
  readonly latency: number;
}

/**
 * A pool in virtual time. Requests arrive at random (Poisson); each server works on `slots` of them at once, the others
 * wait in order; a request's work takes an exponentially distributed time. What the balancer learns is what a worker
 * would see: requests in flight, and latencies (waiting included) and the server's own utilisation when an answer comes.
 */
export class QueueModel {
  readonly servers: readonly Server[];
  readonly clock = { time: 0, now: () => this.clock.time, wall: () => this.clock.time };
  /** Mean time of a request's work in ms, by slot; a change holds for requests that come from now on. */
  readonly work: Float64Array;
  readonly signals: ModelSignals;
  readonly balancer: Balancer;
  readonly #random: Random;
  /** When each of the servers' places becomes free. */
  readonly #places: readonly Float64Array[];
  readonly #interval: number;
  /** A heap, earliest first. */
  readonly #departures: Departure[] = [];
  readonly #context = { hashKey: 0, isExcluded: () => false };
  #nextArrival = 0;

  /** @param rate requests per second */
  constructor(
    algorithm: BalancingAlgorithm,
    { work, rate, slots, seed = 1 }: { work: readonly number[]; rate: number; slots: number; seed?: number },
  ) {
    this.servers = makeServers(work.map(() => 1));
    this.work = Float64Array.from(work);
    this.signals = new ModelSignals(work.length, this.clock);
    this.#random = seededRandom(seed);
    this.#places = work.map(() => new Float64Array(slots));
    this.#interval = 1000 / rate;
    this.balancer = algorithm.create({
      config: Value.Default(algorithm.schema, {}),
      clock: this.clock,
      random: seededRandom(seed + 1),
      signals: this.signals,
      worker: 0,
      workers: 1,
    });
    this.balancer.update(setOf(this.servers));
  }

  /** Goes on for so many ms; requests that came in that time, per slot. */
  run(duration: number): number[] {
    const counts = this.servers.map(() => 0);
    const end = this.clock.time + duration;
    while (this.#nextArrival < end) {
      this.#departUntil(this.#nextArrival);
      this.clock.time = this.#nextArrival;
      const slot = this.#arrive();
      counts[slot] = (counts[slot] as number) + 1;
      this.#nextArrival += this.#exponential(this.#interval);
    }
    this.#departUntil(end);
    this.clock.time = end;
    return counts;
  }

  #arrive(): number {
    const server = this.balancer.choose(this.#context) as Server;
    const places = this.#places[server.slot] as Float64Array;
    let place = 0;
    for (let other = 1; other < places.length; other++) {
      if ((places[other] as number) < (places[place] as number)) place = other;
    }
    const now = this.clock.time;
    const start = Math.max(now, places[place] as number);
    const time = start + this.#exponential(this.work[server.slot] as number);
    places[place] = time;
    this.signals.begin(server.slot);
    this.#push({ time, server, latency: time - now });
    return server.slot;
  }

  #departUntil(time: number): void {
    for (let next = this.#departures[0]; next !== undefined && next.time <= time; next = this.#departures[0]) {
      this.#pop();
      this.clock.time = next.time;
      const places = this.#places[next.server.slot] as Float64Array;
      const busy = places.reduce((count, free) => count + (free >= next.time ? 1 : 0), 0);
      this.signals.end(next.server.slot, next.latency, busy / places.length);
      this.balancer.onComplete?.(next.server, { latency: next.latency, success: true, status: 200 });
    }
  }

  #exponential(mean: number): number {
    return -mean * Math.log(1 - this.#random());
  }

  #push(departure: Departure): void {
    const heap = this.#departures;
    let position = heap.push(departure) - 1;
    for (; position > 0; position = (position - 1) >> 1) {
      const parent = heap[(position - 1) >> 1] as Departure;
      if (parent.time <= departure.time) break;
      heap[position] = parent;
    }
    heap[position] = departure;
  }

  #pop(): void {
    const heap = this.#departures;
    const last = heap.pop() as Departure;
    if (heap.length === 0) return;
    let position = 0;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Departure).time < (heap[child] as Departure).time) child++;
      if ((heap[child] as Departure).time >= last.time) break;
      heap[position] = heap[child] as Departure;
      position = child;
    }
    heap[position] = last;
  }
}
