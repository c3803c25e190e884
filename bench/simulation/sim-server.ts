/** A machine of the simulation, as it is built. */
export interface ServerModel {
  readonly cores: number;
  /** Work per ms and core, relative to a core of speed 1. */
  readonly speed: number;
  /** Weight in the pool's configuration. */
  readonly weight: number;
  /** Requests that it has at a time; more are refused at once. */
  readonly places: number;
}

/** Time in ms over which the utilisation that a server reports is averaged. */
const utilisationWindow = 1000;

/**
 * A server that works on all of its requests at once and shares its cores among them (processor sharing): with n
 * requests each gets min(1, cores / n) of a core. Its speed may change at any time.
 *
 * "Progress" is how much work a request has got that was there from the start; one that needs `work` ends when the
 * progress has grown by as much. So a change of speed or of the number of requests touches no request at all.
 */
export class SimServer {
  readonly model: ServerModel;
  inFlight = 0;
  #speed: number;
  #progress = 0;
  #since = 0;
  /** A heap of the requests by the progress at which they end. */
  #ends = new Float64Array(64);
  #jobs = new Int32Array(64);
  #busy = 0;

  constructor(model: ServerModel) {
    this.model = model;
    this.#speed = model.speed;
  }

  /** Share (0..1) of the cores in use, as a moving average over a second. */
  utilisation(now: number): number {
    this.#advance(now);
    return this.#busy;
  }

  setSpeed(speed: number, now: number): void {
    this.#advance(now);
    this.#speed = speed;
  }

  /** Begins a request with so much work (ms on a core of speed 1). */
  add(job: number, work: number, now: number): void {
    this.#advance(now);
    if (this.inFlight === this.#ends.length) this.#grow();
    this.#rise(this.inFlight++, this.#progress + work, job);
  }

  /** When the first request ends if nothing changes; Infinity without any. */
  nextEnd(now: number): number {
    if (this.inFlight === 0) return Infinity;
    this.#advance(now);
    return now + Math.max(0, this.#ends[0]! - this.#progress) / this.#rate();
  }

  /** Ends the first request and gives its number. */
  takeFirst(now: number): number {
    this.#advance(now);
    const job = this.#jobs[0]!;
    const last = --this.inFlight;
    if (last > 0) this.#sink(this.#ends[last]!, this.#jobs[last]!);
    if (last === 0) this.#progress = 0;
    return job;
  }

  /** Takes all requests away and gives their numbers: the server died. */
  takeAll(now: number): number[] {
    this.#advance(now);
    const jobs = Array.from(this.#jobs.subarray(0, this.inFlight));
    this.inFlight = 0;
    return jobs;
  }

  /** Work per ms that each request gets. */
  #rate(): number {
    return this.#speed * Math.min(1, this.model.cores / this.inFlight);
  }

  #advance(now: number): void {
    const elapsed = now - this.#since;
    if (!(elapsed > 0)) return;
    this.#since = now;
    if (this.inFlight > 0) this.#progress += elapsed * this.#rate();
    const kept = Math.exp(-elapsed / utilisationWindow);
    this.#busy = this.#busy * kept + Math.min(1, this.inFlight / this.model.cores) * (1 - kept);
  }

  #rise(start: number, end: number, job: number): void {
    let position = start;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      if (this.#ends[parent]! <= end) break;
      this.#ends[position] = this.#ends[parent]!;
      this.#jobs[position] = this.#jobs[parent]!;
      position = parent;
    }
    this.#ends[position] = end;
    this.#jobs[position] = job;
  }

  #sink(end: number, job: number): void {
    let position = 0;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= this.inFlight) break;
      if (child + 1 < this.inFlight && this.#ends[child + 1]! < this.#ends[child]!) child++;
      if (this.#ends[child]! >= end) break;
      this.#ends[position] = this.#ends[child]!;
      this.#jobs[position] = this.#jobs[child]!;
      position = child;
    }
    this.#ends[position] = end;
    this.#jobs[position] = job;
  }

  #grow(): void {
    const ends = new Float64Array(2 * this.#ends.length);
    const jobs = new Int32Array(2 * this.#jobs.length);
    ends.set(this.#ends);
    jobs.set(this.#jobs);
    this.#ends = ends;
    this.#jobs = jobs;
  }
}
