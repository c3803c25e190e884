import { atEnd } from "../cleanup.ts";
import type { Evenkeel } from "../evenkeel.ts";
import { monotonic } from "./monotonic.ts";

/** What the REST interface said about one server at one time. */
export interface WatchedServer {
  readonly id: string;
  readonly state: string;
  readonly inFlight: number;
  readonly requests: number;
  readonly connectFailures: number;
}

/** One look at a pool. */
export interface PoolLook {
  /** By `monotonic()`. */
  readonly at: number;
  readonly servers: readonly WatchedServer[];
}

/** Looks at a pool many times a second, as a monitoring system would, to see when requests go to a server and when not. */
export class PoolWatch {
  readonly looks: PoolLook[] = [];
  #running = true;
  readonly #done: Promise<void>;

  constructor(evenkeel: Evenkeel, pool: string, pause: number) {
    this.#done = this.#run(evenkeel, pool, pause);
    atEnd(() => this.stop());
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  /** The last time in the span at which a request was given to the server; NaN for none. Exact to one pause. */
  lastGiven(server: number, from: number, to: number): number {
    let last = NaN;
    for (let i = 1; i < this.looks.length; i++) {
      const { at, servers } = this.looks[i];
      if (at >= from && at < to && given(servers[server]) > given(this.looks[i - 1].servers[server])) last = at;
    }
    return last;
  }

  /** The first time from `from` on at which a request was given to the server; NaN for none. */
  firstGiven(server: number, from: number): number {
    for (let i = 1; i < this.looks.length; i++) {
      const { at, servers } = this.looks[i];
      if (at >= from && given(servers[server]) > given(this.looks[i - 1].servers[server])) return at;
    }
    return NaN;
  }

  /** The states that the server had in the span, each with the time since which. */
  states(server: number, from = -Infinity, to = Infinity): { state: string; at: number }[] {
    const found: { state: string; at: number }[] = [];
    for (const { at, servers } of this.looks) {
      if (at < from || at >= to) continue;
      const { state } = servers[server];
      if (found.at(-1)?.state !== state) found.push({ state, at });
    }
    return found;
  }

  async #run(evenkeel: Evenkeel, pool: string, pause: number): Promise<void> {
    while (this.#running) {
      try {
        const before = monotonic();
        const view = (await evenkeel.admin(`/api/v2/pools/${pool}`)) as { servers: WatchedServer[] };
        this.looks.push({ at: (before + monotonic()) / 2, servers: view.servers });
      } catch {
        // The program has ended, or a test has stopped its main thread: nothing is seen then.
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** Requests that were ever given to the server: those that are over, those that it has, and those that it refused. */
function given({ requests, inFlight, connectFailures }: WatchedServer): number {
  return requests + inFlight + connectFailures;
}

/** Begins to look at a pool every `pause` ms. */
export function watchPool(evenkeel: Evenkeel, pool = "web", pause = 25): PoolWatch {
  return new PoolWatch(evenkeel, pool, pause);
}
