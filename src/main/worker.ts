import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../adapters/system-clock.ts";
import type { Snapshot } from "../config/snapshot.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import type { Clock } from "../core/clock.ts";
import type { LogLevel } from "../controlplane/log.ts";
import { Scoreboard } from "../shared-memory/scoreboard.ts";
import { DebugBudget } from "./debug-budget.ts";
import { BEAT_INTERVAL } from "./limits.ts";
import type { BoundPorts, WorkerReport, WorkerRequest, WorkerStart } from "./messages.ts";

/*
 * The start of a worker thread: makes its data plane and does what the main thread asks for. An error that nothing
 * catches ends the thread; the main thread replaces it.
 */

/** What the module that is named in `WorkerStart.dataPlane` exports. */
export interface DataPlaneModule {
  readonly DataPlane: new (options: DataPlaneOptions) => DataPlaneLike;
}

export interface DataPlaneOptions {
  readonly worker: number;
  readonly workers: number;
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  log(level: LogLevel, message: string): void;
  /** A client asked for a name for which there is no certificate, but may be one. */
  wanted(listener: string, name: string): void;
}

/** One worker's data plane, as the main part needs it. */
export interface DataPlaneLike {
  /** Takes a snapshot into use, or rejects and goes on with the old one. Returns `bound` completed. */
  apply(snapshot: Snapshot, bound: Record<string, number>): Promise<Record<string, number>>;
  /** Takes certificates and all else that TLS needs into use, for handshakes from now on. */
  setTlsMaterial(material: TlsMaterial): void;
  /** Stops accepting and resolves when nothing is in flight any more, at the latest after the timeout in ms. */
  drain(timeout: number): Promise<void>;
  close(): void;
}

const start = workerData as WorkerStart;
const port = parentPort!;
const scoreboard = Scoreboard.attach(start.scoreboard, start.worker);
const { DataPlane } = (await import(start.dataPlane)) as DataPlaneModule;
const debugBudget = new DebugBudget();
const plane = new DataPlane({
  worker: start.worker,
  workers: start.workers,
  scoreboard,
  clock: systemClock,
  log(level, message) {
    const line = level === "debug" ? debugBudget.take(message, systemClock.now()) : message;
    if (line !== undefined) send({ type: "log", level, message: line });
  },
  wanted: (listener, name) => send({ type: "wanted", listener, name }),
});

beat();
port.on("message", (request: WorkerRequest) => void answer(request));

function send(report: WorkerReport): void {
  port.postMessage(report);
}

async function answer(request: WorkerRequest): Promise<void> {
  const { id } = request;
  try {
    let bound: BoundPorts = {};
    if (request.type === "apply") {
      bound = await plane.apply(request.snapshot, { ...request.bound });
      scoreboard.workers.setPlanVersion(request.snapshot.version);
    } else if (request.type === "tls") {
      plane.setTlsMaterial(request.material);
    } else {
      await plane.drain(request.timeout);
    }
    send({ type: "done", id, bound });
  } catch (error) {
    const { message, code }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
    send({ type: "failed", id, failure: { message, code: typeof code === "string" ? code : undefined } });
  }
}

/** Signs of life, and how late the event loop turns. */
function beat(): void {
  let due = systemClock.now();
  const turn = () => {
    const now = systemClock.now();
    scoreboard.workers.beat(now);
    scoreboard.workers.loopDelayed(now - due);
    due = now + BEAT_INTERVAL;
    setTimeout(turn, BEAT_INTERVAL);
  };
  turn();
}
