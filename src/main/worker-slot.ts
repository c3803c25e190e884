import type { Clock } from "../core/clock.ts";
import type { Log } from "../controlplane/log.ts";
import type { WorkerStatus } from "../controlplane/worker-status.ts";
import { restartDelay, STABLE_AFTER } from "./limits.ts";
import type { WorkerStart } from "./messages.ts";
import { WorkerThread } from "./worker-thread.ts";

/** What a place for a worker needs from the supervisor. */
export interface SlotOwner {
  readonly clock: Clock;
  readonly log: Log;
  /** A client asked for a name without a certificate. */
  wanted(listener: string, name: string): void;
  /** Takes back what the dead worker had counted. */
  reclaim(worker: number): void;
  /** Gives a new thread the current snapshot; called once its turn has come. */
  bringUp(slot: WorkerSlot): Promise<void>;
}

/** One of the N places for workers: the thread that fills it now, and its replacement when that dies. */
export class WorkerSlot {
  readonly number: number;
  thread: WorkerThread | undefined;
  state: WorkerStatus["state"] = "stopped";
  restarts = 0;
  readonly #owner: SlotOwner;
  readonly #start: WorkerStart;
  #crashesInARow = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(owner: SlotOwner, start: WorkerStart) {
    this.number = start.worker;
    this.#owner = owner;
    this.#start = start;
  }

  /** Starts a thread, which has no plan yet. */
  spawn(): WorkerThread {
    const { clock, log } = this.#owner;
    const wanted = (listener: string, name: string) => this.#owner.wanted(listener, name);
    const thread = new WorkerThread(this.#start, clock.now(), log, wanted);
    this.thread = thread;
    this.state = "starting";
    void thread.ended.then((reason) => this.#ended(thread, reason));
    return thread;
  }

  /** Ends the thread for good. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.state = "stopped";
    await this.thread?.terminate();
  }

  #ended(thread: WorkerThread, reason: string): void {
    const { clock, log } = this.#owner;
    this.#owner.reclaim(this.number);
    if (this.thread !== thread) return;
    this.thread = undefined;
    if (this.state === "stopped") return;
    if (this.state === "draining") {
      this.state = "stopped";
      log("error", `worker ${this.number} died while it drained: ${reason}`);
      return;
    }
    this.#crashesInARow = clock.now() - thread.startedAt < STABLE_AFTER ? this.#crashesInARow + 1 : 1;
    const delay = restartDelay(this.#crashesInARow);
    this.state = "restarting";
    this.restarts++;
    log("error", `worker ${this.number} died and is replaced ${delay === 0 ? "at once" : `in ${delay} ms`}: ${reason}`);
    this.#timer = setTimeout(() => void this.#replace(), delay);
  }

  async #replace(): Promise<void> {
    try {
      await this.#owner.bringUp(this);
      if (this.state === "running") this.#owner.log("info", `worker ${this.number} is replaced`);
    } catch (error) {
      // Its end brings the next attempt, after a longer pause.
      this.#owner.log("error", `worker ${this.number} could not be replaced: ${(error as Error).message}`);
      await this.thread?.terminate();
    }
  }
}
