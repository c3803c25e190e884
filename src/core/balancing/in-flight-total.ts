import type { Server, ServerSignals } from "./balancer.ts";

/** Up to this many servers all of them are read each time. */
const exactLimit = 32;
/** Servers that are read again each time in a bigger set. */
const rereads = 4;

/**
 * The number of requests in flight on all servers of a set, over all workers. Exact up to 32 servers; beyond, a
 * running sum of which a few terms are read again each time, so one term is at most n / 4 readings old.
 */
export class InFlightTotal {
  private servers: readonly Server[] = [];
  private seen = new Int32Array(0);
  private sum = 0;
  private cursor = 0;
  private readonly signals: ServerSignals;

  constructor(signals: ServerSignals) {
    this.signals = signals;
  }

  set(servers: readonly Server[]): void {
    this.servers = servers;
    this.seen = Int32Array.from(servers, (server) => this.signals.inFlight(server.slot));
    this.sum = this.seen.reduce((sum, value) => sum + value, 0);
    this.cursor = 0;
  }

  read(): number {
    const length = this.servers.length;
    const count = length <= exactLimit ? length : rereads;
    for (let step = 0; step < count; step++) {
      if (this.cursor >= length) this.cursor = 0;
      const index = this.cursor++;
      const value = this.signals.inFlight((this.servers[index] as Server).slot);
      this.sum += value - (this.seen[index] as number);
      this.seen[index] = value;
    }
    return this.sum;
  }
}
