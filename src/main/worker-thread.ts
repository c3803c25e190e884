import { Worker } from "node:worker_threads";
import type { Log } from "../controlplane/log.ts";
import { WORKER_HEAP } from "./limits.ts";
import type { BoundPorts, WorkerFailure, WorkerReport, WorkerRequest, WorkerStart } from "./messages.ts";

/** A worker refused what it was asked for, died over it, or did not answer in time. */
export class WorkerError extends Error {
  readonly worker: number;
  /** Code of the cause, as EADDRINUSE; absent when there is none. */
  readonly code: string | undefined;
  /** True when the worker's state is unknown: it died or did not answer. */
  readonly lost: boolean;

  constructor(worker: number, failure: WorkerFailure, lost: boolean) {
    super(failure.message);
    this.name = "WorkerError";
    this.worker = worker;
    this.code = failure.code;
    this.lost = lost;
  }
}

interface Pending {
  resolve(bound: BoundPorts): void;
  reject(error: WorkerError): void;
}

/** Distributes over the members of a union, so that each keeps its own fields. */
type Unnumbered<Request> = Request extends unknown ? Omit<Request, "id"> : never;

/** One worker thread, seen from the main thread: requests with answers, its log, and its end. */
export class WorkerThread {
  readonly number: number;
  /** When it was started, as the caller's clock says. */
  readonly startedAt: number;
  /** Resolves once, when the thread has ended for whatever reason, with that reason. Never rejects. */
  readonly ended: Promise<string>;
  readonly #thread: Worker;
  readonly #pending = new Map<number, Pending>();
  /** Version of the TLS material that it was given last. */
  tlsVersion = 0;
  #alive = true;
  #nextId = 1;

  constructor(start: WorkerStart, startedAt: number, log: Log, wanted: (listener: string, name: string) => void) {
    this.number = start.worker;
    this.startedAt = startedAt;
    this.#thread = new Worker(sibling("worker"), {
      name: `evenkeel-${start.worker}`,
      workerData: start,
      resourceLimits: WORKER_HEAP,
    });
    this.#thread.on("message", (report: WorkerReport) => {
      if (report.type === "log") log(report.level, report.message);
      else if (report.type === "wanted") wanted(report.listener, report.name);
      else this.#settle(report);
    });
    this.ended = new Promise((resolve) => {
      let reason: string | undefined;
      this.#thread.on("error", (error) => {
        reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      });
      this.#thread.on("exit", (code) => {
        this.#alive = false;
        const message = reason ?? `the thread ended with code ${code}`;
        for (const { reject } of this.#pending.values()) reject(new WorkerError(this.number, { message }, true));
        this.#pending.clear();
        resolve(message);
      });
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** True while an answer is due: then the silence of its event loop has a deadline of its own. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /** Asks the worker; rejects with a WorkerError when it refuses, dies, or does not answer within `timeout` ms. */
  ask(request: Unnumbered<WorkerRequest>, timeout: number): Promise<BoundPorts> {
    if (!this.#alive) {
      return Promise.reject(new WorkerError(this.number, { message: "the worker is not running" }, true));
    }
    const id = this.#nextId++;
    return new Promise<BoundPorts>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new WorkerError(this.number, { message: `no answer to ${request.type} within ${timeout} ms` }, true));
      }, timeout);
      this.#pending.set(id, {
        resolve: (bound) => (clearTimeout(timer), resolve(bound)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.#thread.postMessage({ ...request, id });
    });
  }

  /** Ends the thread, even one that is stuck in a loop; resolves when it is gone. */
  async terminate(): Promise<void> {
    await this.#thread.terminate();
    await this.ended;
  }

  #settle(report: Exclude<WorkerReport, { type: "log" | "wanted" }>): void {
    const pending = this.#pending.get(report.id);
    this.#pending.delete(report.id);
    if (report.type === "done") pending?.resolve(report.bound);
    else pending?.reject(new WorkerError(this.number, report.failure, false));
  }
}

/** Another module of this folder: in the sources it ends in .ts, in the built package in .js. */
function sibling(name: string): URL {
  return new URL(name + import.meta.url.slice(import.meta.url.lastIndexOf(".")), import.meta.url);
}
