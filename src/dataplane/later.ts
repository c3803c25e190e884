import type { WorkerContext } from "./worker-context.ts";

/** Runs something after so many ms, exactly. A bug in it ends what it met with, not the worker and all of its connections. */
export function later(context: WorkerContext, delay: number, action: () => void): NodeJS.Timeout {
  return setTimeout(() => {
    try {
      action();
    } catch (error) {
      context.log("error", `timer: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }, delay);
}
