import type { Random } from "../../core/random.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { passiveWorkers } from "./passive-health.fixture.ts";
import type { SilenceSource } from "./silence.ts";

/** Traffic to be simulated. Times are in ms, rates per second over all servers and workers. */
export interface TrafficModel {
  readonly servers: number;
  readonly requestsPerSecond: number;
  /** Share of answers that are a 500, independently of each other. */
  readonly errorShare: number;
  /** Share of packets that are lost, each way. */
  readonly loss: number;
  /** Share of requests that need a new connection. */
  readonly newConnections: number;
  readonly connectTimeout: number;
  /** Mean of the exponentially distributed time that servers take. */
  readonly latency: number;
  /** Share of requests that take half a minute. */
  readonly longPolls: number;
  readonly duration: number;
  /** Time from the start after which server 0 answers nothing, or Infinity. */
  readonly freezeAt: number;
}

/** What came of it: requests that were sent, and how long after the start a server's health changed first (NaN for never). */
export interface SimulationResult {
  readonly requests: number;
  readonly connectTimeouts: number;
  readonly errors: number;
  readonly changedAt: number;
  /** `HealthFlag`s of server 0 then. */
  readonly flags: number;
}

/** First retransmissions of a SYN (RFC 6298) and of data (Linux: 200 ms at least), in ms; each further one doubles. */
const SYN_TIMEOUT = 1000;
const DATA_TIMEOUT = 200;
const LONG_POLL = 30_000;
const TICK = 50;
const WORKERS = 2;

interface Pending {
  readonly slot: number;
  readonly sentAt: number;
  /** When something comes of it: the answer, or the end of `connectTimeout`. */
  readonly dueAt: number;
  readonly status: number;
}

/** One worker's requests. They come to an end in the order of time within each tick. */
class Requests implements SilenceSource {
  pending: Pending[] = [];
  readonly heard: number[];

  constructor(servers: number) {
    this.heard = Array.from({ length: servers }, () => 0);
  }

  unanswered(slot: number, before: number, after: number): number {
    let count = 0;
    for (const { slot: to, sentAt } of this.pending) if (to === slot && sentAt > after && sentAt < before) count++;
    return count;
  }
  heardAt(slot: number): number {
    return this.heard[slot]!;
  }
  slots(): Iterable<number> {
    return new Set(this.pending.map(({ slot }) => slot));
  }
}

/** Runs passive detection with default settings in virtual time until the health of a server changes. */
export function simulate(model: TrafficModel, random: Random): SimulationResult {
  const pool = { upstream: { connectTimeout: model.connectTimeout } };
  const { main, all } = passiveWorkers(model.servers, pool, WORKERS, random);
  const boards = all.map((_, worker) => Scoreboard.attach(main.handle, worker));
  const workers = all.map((passive) => (passive.silence = new Requests(model.servers)) as Requests);
  const before = main.stateVersion();
  const total = { requests: 0, connectTimeouts: 0, errors: 0 };
  const start = 1000;
  let nextAt = start;

  const begin = (at: number): Pending => {
    const slot = Math.floor(random() * model.servers);
    const connecting = random() < model.newConnections ? delay(SYN_TIMEOUT, model.loss, random) : 0;
    if (connecting > model.connectTimeout) return { slot, sentAt: at, dueAt: at + model.connectTimeout, status: 0 };
    const takes = random() < model.longPolls ? LONG_POLL : -Math.log(1 - random()) * model.latency;
    const answered = at + connecting + takes + delay(DATA_TIMEOUT, model.loss, random);
    const dueAt = slot === 0 && answered >= start + model.freezeAt ? Infinity : answered;
    return { slot, sentAt: at, dueAt, status: random() < model.errorShare ? 500 : 200 };
  };

  const end = (worker: number, { slot, sentAt, dueAt, status }: Pending): void => {
    boards[worker]!.end(slot);
    if (status === 0) {
      total.connectTimeouts++;
      return all[worker]!.connectFailed(slot, "timeout", dueAt);
    }
    if (status === 500) total.errors++;
    workers[worker]!.heard[slot] = dueAt;
    boards[worker]!.complete(slot, dueAt - sentAt, status < 500, status, dueAt);
    all[worker]!.answered(slot, status, dueAt, false);
  };

  for (let now = start; now < start + model.duration; now += TICK) {
    while (nextAt <= now) {
      total.requests++;
      const worker = Math.floor(random() * WORKERS);
      const request = begin(nextAt);
      boards[worker]!.begin(request.slot);
      workers[worker]!.pending.push(request);
      nextAt += (-Math.log(1 - random()) * 1000) / model.requestsPerSecond;
    }
    for (const [worker, mine] of workers.entries()) {
      const due = mine.pending.filter(({ dueAt }) => dueAt <= now).toSorted((a, b) => a.dueAt - b.dueAt);
      if (due.length > 0) mine.pending = mine.pending.filter(({ dueAt }) => dueAt > now);
      for (const request of due) end(worker, request);
      all[worker]!.tick(now);
    }
    if (main.stateVersion() !== before) return { ...total, changedAt: now - start, flags: main.health.flags(0) };
  }
  return { ...total, changedAt: NaN, flags: main.health.flags(0) };
}

/** Time until one of the packets, and the answer to it, comes through. */
function delay(timeout: number, loss: number, random: Random): number {
  let waited = 0;
  for (let next = timeout; random() < loss || random() < loss; next *= 2) waited += next;
  return waited;
}
