import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { systemClock } from "./system-clock.ts";

it("reads the same in another thread that started later", async () => {
  const source = `
    const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(new URL("./system-clock.ts", import.meta.url).href)}).then(({ systemClock }) =>
      parentPort.on("message", () => { parentPort.postMessage(systemClock.now()); parentPort.close(); }));`;
  const thread = new Worker(source, { eval: true });
  await once(thread, "online");
  const before = systemClock.now();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  thread.postMessage("now");
  const [there] = (await once(thread, "message")) as [number];
  const after = systemClock.now();
  // The two ways of reading one clock differ by microseconds per thread.
  expect(there).toBeGreaterThan(before - 1);
  expect(there).toBeLessThan(after + 1);
});
