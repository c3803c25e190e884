import { Value } from "typebox/value";
import type {
  BalanceContext,
  Balancer,
  BalancingAlgorithm,
  Server,
  ServerSet,
} from "../../src/core/balancing/balancer.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Random } from "../../src/core/random.ts";
import { Scoreboard } from "../../src/shared-memory/scoreboard.ts";
import { Antagonist, type AntagonistModel } from "./antagonist.ts";
import { exponential, logNormal, stream } from "./chance.ts";
import { NextEvents } from "./next-events.ts";
import { SimServer, type ServerModel } from "./sim-server.ts";
import { Jobs } from "./jobs.ts";

/** A pool under load: everything that a run depends on. Equal options give equal runs. */
export interface SimulationOptions {
  readonly algorithm: BalancingAlgorithm;
  /** The algorithm's own settings where they differ from the defaults. */
  readonly settings?: object;
  readonly servers: readonly ServerModel[];
  /** Evenkeel nodes in front of the servers; each knows only of its own requests. */
  readonly nodes: number;
  /** Workers of a node, each with a balancer of its own; they share a scoreboard. */
  readonly workers: number;
  readonly requestsPerSecond: number;
  /** Work of a request: log-normal with this mean (ms on a core of speed 1) and standard deviation of the logarithm. */
  readonly work: number;
  readonly sigma: number;
  readonly antagonist?: AntagonistModel;
  /** Requests come from so many clients with equal chances; hashing algorithms go by the client. */
  readonly clients: number;
  /** Most requests in flight that balancers are told of, for algorithms that go by it; 0 is no limit. */
  readonly maxConnections?: number;
  readonly seed: number;
}

/** What a scenario is told. */
export interface Observer {
  /** A try was sent to the server. */
  onTry?(server: number, now: number): void;
  /** A request is over, after one or more tries. `latency` in ms, from its arrival on. */
  onEnd?(server: number, latency: number, success: boolean, now: number): void;
}

/** Whether a request whose try failed goes to another server; told of each new request, too. */
export interface Retries {
  onRequest(worker: number, now: number): void;
  allows(worker: number, retry: number, now: number): boolean;
}

/** Work of an answer that is only an error, and the time in which a full server refuses: ms. */
const errorWork = 1;

class VirtualClock implements Clock {
  // Not 0: an unset time in the scoreboard is 0.
  time = 1000;
  now = (): number => this.time;
  wall = (): number => this.time;
}

/** Requests of a Poisson process, balancers that choose servers for them, and the servers, in virtual time. */
export class Simulation {
  readonly clock = new VirtualClock();
  readonly servers: readonly SimServer[];
  /** What each server is to the balancers. */
  readonly pool: readonly Server[];
  /** Speed of each server relative to usual; for scenarios, see `setSpeed`. */
  readonly #factors: Float64Array;
  readonly #failing: Uint8Array;
  readonly #antagonists: readonly (Antagonist | undefined)[];
  readonly #options: SimulationOptions;
  readonly #balancers: Balancer[] = [];
  readonly #boards: Scoreboard[] = [];
  readonly #events: NextEvents;
  readonly #jobs = new Jobs();
  readonly #arrivals: Random;
  readonly #sizes: Random;
  readonly #places: Random;
  readonly #observer: Observer;
  readonly #retries: Retries | undefined;
  readonly #context: { hashKey: number; tried: number; isExcluded: BalanceContext["isExcluded"] };
  #version = 0;

  constructor(options: SimulationOptions, observer: Observer, retries?: Retries) {
    const { servers, seed, nodes, workers, antagonist } = options;
    this.#options = options;
    this.#observer = observer;
    this.#retries = retries;
    this.#arrivals = stream(seed, "arrivals");
    this.#sizes = stream(seed, "sizes");
    this.#places = stream(seed, "places");
    this.servers = servers.map((model) => new SimServer(model));
    this.#factors = new Float64Array(servers.length).fill(1);
    this.#failing = new Uint8Array(servers.length);
    this.#antagonists = servers.map((_, index) =>
      antagonist === undefined ? undefined : new Antagonist(antagonist, stream(seed, `antagonist ${index}`)),
    );
    this.pool = servers.map(({ weight }, slot) => ({
      id: `10.0.${slot >> 8}.${slot & 255}:8080`,
      slot,
      weight,
      scale: 1,
      priority: 0,
      maxConnections: options.maxConnections ?? 0,
    }));
    this.#context = {
      hashKey: 0,
      tried: 0,
      isExcluded: (server) => ((this.#context.tried >>> server.slot) & 1) === 1,
    };
    this.#events = new NextEvents(2 * servers.length + 1);
    for (let node = 0; node < nodes; node++) this.#addNode(node, workers);
    this.update(this.pool);
    this.#events.set(2 * servers.length, this.clock.time);
    for (const [index, entry] of this.#antagonists.entries()) {
      if (entry !== undefined) this.#events.set(servers.length + index, entry.changesAt);
    }
  }

  /** Another set of ready servers for all balancers; entries of `pool`, perhaps with another scale. */
  update(ready: readonly Server[]): void {
    const all = this.pool.map((server) => ready.find(({ slot }) => slot === server.slot) ?? server);
    const set: ServerSet = { version: ++this.#version, all, ready };
    for (const balancer of this.#balancers) balancer.update(set);
  }

  /** From now on the server runs at `factor` times its usual speed. */
  setSpeed(server: number, factor: number): void {
    this.#factors[server] = factor;
    this.#applySpeed(server);
  }

  /** From now on the server answers everything with an error, quickly. */
  setFailing(server: number, failing: boolean): void {
    this.#failing[server] = failing ? 1 : 0;
  }

  /** The server dies: what it was working on fails. */
  kill(server: number): void {
    for (const job of this.servers[server]!.takeAll(this.clock.time)) this.#ended(server, job, false, NaN, 0);
    this.#schedule(server);
  }

  /** Lets time go on until `end` (ms from the start). */
  run(end: number): void {
    const events = this.#events;
    const count = this.servers.length;
    const until = end + 1000;
    while (events.time <= until) {
      const source = events.source;
      this.clock.time = events.time;
      if (source < count) this.#complete(source);
      else if (source < 2 * count) this.#changeAntagonist(source - count);
      else this.#arrive();
    }
    this.clock.time = until;
  }

  #addNode(node: number, workers: number): void {
    const { algorithm, settings = {}, seed, servers } = this.#options;
    const first = Scoreboard.create({ servers: servers.length, workers });
    for (let slot = 0; slot < servers.length; slot++) first.reset(slot, this.clock.time);
    for (let worker = 0; worker < workers; worker++) {
      const board = Scoreboard.attach(first.handle, worker);
      this.#boards.push(board);
      this.#balancers.push(
        algorithm.create({
          config: { ...(Value.Default(algorithm.schema, {}) as object), ...settings },
          clock: this.clock,
          random: stream(seed, `balancer ${node} ${worker}`),
          signals: board,
          worker,
          workers,
        }),
      );
    }
  }

  #arrive(): void {
    const { requestsPerSecond, work, sigma, clients } = this.#options;
    const now = this.clock.time;
    this.#events.set(2 * this.servers.length, now + exponential(this.#arrivals, 1000 / requestsPerSecond));
    const worker = Math.floor(this.#places() * this.#balancers.length);
    const client = Math.floor(this.#places() * clients);
    const job = this.#jobs.begin(now, worker, Math.imul(client + 1, 0x9e3779b1) >>> 0);
    this.#jobs.work[job] = logNormal(this.#sizes, work, sigma);
    this.#retries?.onRequest(worker, now);
    this.#send(job);
  }

  /** Chooses a server and gives it the request. False when no server is left. */
  #send(job: number): boolean {
    const jobs = this.#jobs;
    const context = this.#context;
    const now = this.clock.time;
    context.hashKey = jobs.key[job]!;
    context.tried = jobs.tried[job]!;
    const worker = jobs.worker[job]!;
    const slot = this.#balancers[worker]!.choose(context)?.slot;
    if (slot === undefined) return false;
    this.#boards[worker]!.begin(slot);
    jobs.tried[job] = jobs.tried[job]! | (1 << slot);
    jobs.sentAt[job] = now;
    this.#observer.onTry?.(slot, now);
    const server = this.servers[slot]!;
    const failing = this.#failing[slot] === 1;
    jobs.failing[job] = failing || server.inFlight >= server.model.places ? 1 : 0;
    server.add(job, jobs.failing[job] === 1 ? errorWork : jobs.work[job]!, now);
    this.#schedule(slot);
    return true;
  }

  #complete(slot: number): void {
    const now = this.clock.time;
    const job = this.servers[slot]!.takeFirst(now);
    this.#schedule(slot);
    const success = this.#jobs.failing[job] === 0;
    this.#ended(slot, job, success, now - this.#jobs.sentAt[job]!, success ? 200 : 503);
  }

  #ended(slot: number, job: number, success: boolean, latency: number, status: number): void {
    const jobs = this.#jobs;
    const now = this.clock.time;
    const worker = jobs.worker[job]!;
    const board = this.#boards[worker]!;
    board.end(slot);
    board.complete(slot, latency, success, status, now);
    if (latency >= 0) board.report(slot, this.servers[slot]!.utilisation(now), now);
    this.#balancers[worker]!.onComplete?.(this.pool[slot]!, { latency, success, status });
    if (!success && this.#retries?.allows(worker, jobs.tries(job), now) === true && this.#send(job)) return;
    this.#observer.onEnd?.(slot, now - jobs.began[job]!, success, now);
    jobs.end(job);
  }

  #changeAntagonist(server: number): void {
    const antagonist = this.#antagonists[server]!;
    antagonist.change();
    // Times count from the start of the clock, like those of all events.
    this.#events.set(this.servers.length + server, antagonist.changesAt);
    this.#applySpeed(server);
  }

  #applySpeed(server: number): void {
    const { model } = this.servers[server]!;
    const left = this.#antagonists[server]?.left ?? 1;
    this.servers[server]!.setSpeed(model.speed * left * this.#factors[server]!, this.clock.time);
    this.#schedule(server);
  }

  #schedule(server: number): void {
    this.#events.set(server, this.servers[server]!.nextEnd(this.clock.time));
  }
}
