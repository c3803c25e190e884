import type { Random } from "../random.ts";
import type { GradientLimit } from "./gradient-limit.ts";

export interface LimitedServerOptions {
  /** Requests that the server works on at a time; others wait in its queue, in order. */
  readonly places: number;
  /** Mean time for a request in ms, exponentially distributed. */
  readonly service: number;
  readonly limit: GradientLimit;
  readonly random: Random;
}

interface InFlight {
  readonly began: number;
  readonly ends: number;
}

/** What happened in a stretch of time; `latency` is the mean of the answers in ms. */
export interface Stretch {
  readonly answered: number;
  readonly refused: number;
  readonly latency: number;
}

/** A server with a queue (M/M/c) behind a limit that refuses what goes beyond it, in virtual time. */
export class LimitedServer {
  readonly limit: GradientLimit;
  /** Mean time for a request in ms; may be changed between stretches. */
  service: number;
  readonly #random: Random;
  /** When each place is free again. */
  readonly #free: Float64Array;
  /** By end. */
  readonly #inFlight: InFlight[] = [];
  #now = 0;

  constructor({ places, service, limit, random }: LimitedServerOptions) {
    this.limit = limit;
    this.service = service;
    this.#random = random;
    this.#free = new Float64Array(places);
  }

  /** Offers requests at `rate` per second (Poisson) for `length` ms. */
  run(rate: number, length: number): Stretch {
    const end = this.#now + length;
    let answered = 0;
    let refused = 0;
    let sum = 0;
    for (;;) {
      this.#now += (-Math.log(1 - this.#random()) * 1000) / rate;
      for (let first = this.#inFlight[0]; first !== undefined && first.ends <= this.#now; first = this.#inFlight[0]) {
        const latency = first.ends - first.began;
        this.limit.sample(latency, this.#inFlight.length, first.ends);
        this.#inFlight.shift();
        answered++;
        sum += latency;
      }
      if (this.#now >= end) return { answered, refused, latency: sum / answered };
      if (this.#inFlight.length < this.limit.limit) this.#begin();
      else refused++;
    }
  }

  #begin(): void {
    const place = this.#free.indexOf(Math.min(...this.#free));
    const ends = Math.max(this.#now, this.#free[place] as number) - Math.log(1 - this.#random()) * this.service;
    this.#free[place] = ends;
    let index = this.#inFlight.length;
    while (index > 0 && (this.#inFlight[index - 1] as InFlight).ends > ends) index--;
    this.#inFlight.splice(index, 0, { began: this.#now, ends });
  }
}
