import { NO_TLS_MATERIAL, type TlsMaterial } from "../config/tls-material.ts";
import type { Clock } from "../core/clock.ts";
import type { Snapshot } from "../config/snapshot.ts";
import type { Log } from "../controlplane/log.ts";
import type { WorkerStatus } from "../controlplane/worker-status.ts";
import { Scoreboard } from "../shared-memory/scoreboard.ts";
import { ACKNOWLEDGE_TIMEOUT, HEARTBEAT_TIMEOUT } from "./limits.ts";
import type { BoundPorts, WorkerRequest } from "./messages.ts";
import { SerialQueue } from "./serial-queue.ts";
import { WorkerSlot, type SlotOwner } from "./worker-slot.ts";
import { WorkerError, type WorkerThread } from "./worker-thread.ts";

export interface SupervisorOptions {
  /** Worker threads, at least 1. */
  readonly workers: number;
  /** Servers that the shared memory has room for. */
  readonly maxServers: number;
  /** URL of the module that exports `DataPlane`. */
  readonly dataPlane: string;
  readonly clock: Clock;
  readonly log: Log;
  /** A client asked for a name for which there is no certificate, but may be one. May come often. */
  readonly wanted?: (listener: string, name: string) => void;
  /** Overrides of limits.ts in ms. */
  readonly acknowledgeTimeout?: number;
  readonly heartbeatTimeout?: number;
}

/**
 * Keeps N workers running and on the same snapshot. A snapshot is in use on all of them or on none: when one cannot
 * take it, those that did go back. A worker that dies or falls silent is replaced; the others go on meanwhile.
 */
export class Supervisor implements SlotOwner {
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  readonly log: Log;
  readonly #slots: WorkerSlot[];
  readonly #queue = new SerialQueue();
  readonly #acknowledgeTimeout: number;
  readonly #heartbeatTimeout: number;
  readonly #wanted: (listener: string, name: string) => void;
  #material: TlsMaterial = NO_TLS_MATERIAL;
  #snapshot: Snapshot | undefined;
  #bound: BoundPorts = {};
  #watch: NodeJS.Timeout | undefined;
  #ending = false;

  constructor(options: SupervisorOptions) {
    const { workers, maxServers, dataPlane } = options;
    this.scoreboard = Scoreboard.create({ servers: maxServers, workers });
    this.clock = options.clock;
    this.log = options.log;
    this.#wanted = options.wanted ?? (() => undefined);
    this.#acknowledgeTimeout = options.acknowledgeTimeout ?? ACKNOWLEDGE_TIMEOUT;
    this.#heartbeatTimeout = options.heartbeatTimeout ?? HEARTBEAT_TIMEOUT;
    const scoreboard = this.scoreboard.handle;
    this.#slots = Array.from(
      { length: workers },
      (_, worker) => new WorkerSlot(this, { worker, workers, scoreboard, dataPlane }),
    );
  }

  /** The snapshot that the workers run; undefined before the first. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Ports that listeners with port 0 got. */
  get bound(): BoundPorts {
    return this.#bound;
  }

  /** Starts the workers with their first snapshot. Rejects with a WorkerError, and nothing runs, when one cannot take it. */
  async start(snapshot: Snapshot): Promise<BoundPorts> {
    for (const slot of this.#slots) slot.spawn();
    try {
      const bound = await this.apply(snapshot);
      this.#watchHeartbeats();
      return bound;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Puts a snapshot into use on all workers. Rejects with the WorkerError of the first that cannot take it; then all
   * of them run what they ran before.
   */
  apply(snapshot: Snapshot): Promise<BoundPorts> {
    return this.#queue.run(async () => {
      const threads = this.#slots.flatMap((slot) => (slot.thread?.alive ? [slot.thread] : []));
      if (threads.length === 0) throw new WorkerError(0, { message: "no worker is running" }, true);
      const [first, ...others] = threads as [WorkerThread, ...WorkerThread[]];
      const request = { type: "apply", snapshot, bound: this.#bound } as const;
      let bound: BoundPorts;
      try {
        // The first one settles which ports "port 0" means, for the others to share.
        bound = await this.#ask(first, request);
      } catch (error) {
        await this.#goBack([first], error as WorkerError);
        throw error;
      }
      const results = await Promise.allSettled(others.map((thread) => this.#ask(thread, { ...request, bound })));
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) {
        const failures = results.flatMap((result) =>
          result.status === "rejected" ? [result.reason as WorkerError] : [],
        );
        await this.#goBack(threads, ...failures);
        throw failed.reason;
      }
      this.#snapshot = snapshot;
      this.#bound = bound;
      for (const slot of this.#slots) if (slot.state === "starting") slot.state = "running";
      return bound;
    });
  }

  /** Gives a worker a snapshot, and the TLS material before it unless it has that. */
  async #ask(
    thread: WorkerThread,
    request: Omit<Extract<WorkerRequest, { type: "apply" }>, "id">,
  ): Promise<BoundPorts> {
    await this.#giveTls(thread);
    return thread.ask(request, this.#acknowledgeTimeout);
  }

  async #giveTls(thread: WorkerThread): Promise<void> {
    const { version } = this.#material;
    if (thread.tlsVersion === version) return;
    await thread.ask({ type: "tls", material: this.#material }, this.#acknowledgeTimeout);
    thread.tlsVersion = version;
  }

  /**
   * Gives all workers what they need for TLS, now and whenever one is replaced. Resolves when all that run have it; one that
   * cannot take it is ended, for its successor begins with it.
   */
  setTlsMaterial(material: TlsMaterial): Promise<void> {
    this.#material = material;
    return this.#queue.run(async () => {
      const threads = this.#slots.flatMap((slot) => (slot.thread?.alive ? [slot.thread] : []));
      await Promise.all(
        threads.map((thread) =>
          this.#giveTls(thread).catch((error: unknown) => {
            this.log("error", `worker ${thread.number} could not take certificates: ${(error as Error).message}`);
            return thread.terminate();
          }),
        ),
      );
    });
  }

  wanted(listener: string, name: string): void {
    this.#wanted(listener, name);
  }

  /** Workers return to the last good snapshot; one whose state is unknown is ended, and its successor starts with that. */
  async #goBack(threads: readonly WorkerThread[], ...failures: readonly WorkerError[]): Promise<void> {
    const before = this.#snapshot;
    await Promise.all(
      threads.map(async (thread) => {
        const failure = failures.find(({ worker }) => worker === thread.number);
        // One that refused has kept its plan by itself.
        if (failure !== undefined && !failure.lost) return;
        try {
          if (failure !== undefined || before === undefined) throw failure ?? new Error("nothing to return to");
          await thread.ask({ type: "apply", snapshot: before, bound: this.#bound }, this.#acknowledgeTimeout);
        } catch {
          if (before !== undefined) await thread.terminate();
        }
      }),
    );
  }

  /** Called by a slot whose worker died. */
  bringUp(slot: WorkerSlot): Promise<void> {
    return this.#queue.run(async () => {
      if (this.#ending || slot.state !== "restarting") return;
      const thread = slot.spawn();
      if (this.#snapshot === undefined) return;
      await this.#ask(thread, { type: "apply", snapshot: this.#snapshot, bound: this.#bound });
      // The state may have changed while it was asked.
      if ((slot.state as WorkerStatus["state"]) === "starting") slot.state = "running";
    });
  }

  reclaim(worker: number): void {
    this.scoreboard.reclaim(worker);
  }

  workers(): WorkerStatus[] {
    const now = this.clock.now();
    return this.#slots.map(({ number, state, restarts, thread }) => ({
      worker: number,
      state,
      restarts,
      planVersion: this.scoreboard.workers.planVersion(number),
      uptime: thread === undefined ? 0 : Math.round(now - thread.startedAt),
    }));
  }

  /** No new work from now on; resolves when nothing is in flight any more or `timeout` ms are over, and all is closed. */
  async drain(timeout: number): Promise<void> {
    this.#ending = true;
    const threads = this.#slots.flatMap((slot) => {
      if (slot.thread === undefined) return [];
      slot.state = "draining";
      return [slot.thread];
    });
    // The data plane keeps to the timeout; the extra time is for one that does not.
    await Promise.allSettled(threads.map((thread) => thread.ask({ type: "drain", timeout }, timeout + 2_000)));
    await this.close();
  }

  /** Ends all workers at once. */
  async close(): Promise<void> {
    this.#ending = true;
    clearInterval(this.#watch);
    await Promise.all(this.#slots.map((slot) => slot.stop()));
  }

  #watchHeartbeats(): void {
    const interval = Math.min(500, this.#heartbeatTimeout / 2);
    let last = this.clock.now();
    this.#watch = setInterval(() => {
      const now = this.clock.now();
      const late = now - last - interval;
      last = now;
      // When this thread itself stood still (a stopped process, a starved machine), silence proves nothing.
      if (late > interval) return;
      for (const { thread, number, state } of this.#slots) {
        if (thread === undefined || thread.busy || state !== "running") continue;
        const silent = now - Math.max(this.scoreboard.workers.beatAt(number), thread.startedAt);
        if (silent < this.#heartbeatTimeout) continue;
        this.log("error", `worker ${number} has given no sign of life for ${Math.round(silent)} ms`);
        void thread.terminate();
      }
    }, interval);
    this.#watch.unref();
  }
}
