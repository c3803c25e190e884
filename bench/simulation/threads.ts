import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { joinFigures, noFigures, runTask, type Figures, type Task } from "./tasks.ts";

/** Runs the tasks on so many threads; `done` hears of each one that is finished. Rejects when a task throws. */
export async function runTasks(
  tasks: readonly Task[],
  threads: number,
  done: (count: number) => void,
): Promise<Figures> {
  let next = 0;
  let finished = 0;
  const parts = await Promise.all(
    Array.from({ length: Math.min(threads, tasks.length) }, () => {
      const worker = new Worker(new URL(import.meta.url));
      const { promise, resolve, reject } = Promise.withResolvers<Figures>();
      const part = noFigures();
      const advance = (): void => {
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        if (next < tasks.length) worker.postMessage(tasks[next++]);
        else {
          resolve(part);
          void worker.terminate();
        }
      };
      worker.on("message", (figures: Figures) => {
        for (const key of Object.keys(part) as (keyof Figures)[]) (part[key] as unknown[]).push(...figures[key]);
        done(++finished);
        advance();
      });
      worker.on("error", reject);
      advance();
      return promise;
    }),
  );
  return joinFigures(parts);
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  port.on("message", (task: Task) => {
    const figures = noFigures();
    runTask(task, figures);
    port.postMessage(figures);
  });
}
