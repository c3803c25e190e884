import { parentPort, workerData } from "node:worker_threads";
import type { HistoryRecord } from "../controlplane/health/history-store.ts";
import { SqliteHistory } from "./sqlite-history.ts";
import { systemClock } from "./system-clock.ts";

/*
 * The start of the thread that writes to the SQLite file: a disk that hangs holds up this one, and not the control plane.
 */

/** What the thread is asked for. */
export type StoreRequest = { readonly id: number } & (
  | { readonly type: "append"; readonly batch: readonly HistoryRecord[] }
  | { readonly type: "recent"; readonly pool: string; readonly server: string; readonly limit: number }
  | { readonly type: "close" }
);

/** Its answer; `failure` is there when it could not be done. */
export interface StoreReply {
  readonly id: number;
  readonly records?: readonly HistoryRecord[];
  readonly failure?: string;
}

const history = new SqliteHistory((workerData as { file: string }).file, systemClock);
const port = parentPort!;

port.on("message", (request: StoreRequest) => {
  try {
    const records = answer(request);
    send({ id: request.id, ...(records !== undefined && { records }) });
  } catch (error) {
    send({ id: request.id, failure: (error as Error).message });
  }
  if (request.type === "close") port.close();
});

function answer(request: StoreRequest): readonly HistoryRecord[] | undefined {
  switch (request.type) {
    case "append":
      history.append(request.batch);
      return undefined;
    case "recent":
      return history.recent(request.pool, request.server, request.limit);
    case "close":
      history.close();
      return undefined;
  }
}

function send(reply: StoreReply): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  port.postMessage(reply);
}
