import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { WorkerStatus } from "../controlplane/worker-status.ts";
import { startEvenkeel } from "../../test/support/evenkeel.ts";

/** A filter that brings its worker down with an error that nothing catches. */
const crashing = `export default {
  kind: "filter",
  name: "crash",
  summary: "Throws outside of any handler.",
  schema: { type: "object", properties: {} },
  create: () => ({
    onRequestHead(exchange) {
      if (exchange.request.header("x-crash") !== undefined) setImmediate(() => { throw new Error("crashed on purpose"); });
    },
  }),
};
`;

let origin: Server;
let held = 0;
beforeEach(async () => {
  held = 0;
  origin = createServer((request, response) => {
    if (request.url === "/held") held++;
    else response.end("ok");
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  origin.closeAllConnections();
  origin.close();
});

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

it("a worker that crashes is replaced at once; its counts are taken back, the others go on", async () => {
  const server = `127.0.0.1:${(origin.address() as AddressInfo).port}`;
  const evenkeel = await startEvenkeel({
    config: {
      workers: 2,
      modules: ["./crash.mjs"],
      listeners: { web: { listen: "127.0.0.1:0", routes: [{ filters: [{ crash: {} }], pool: "p" }] } },
      pools: { p: { servers: [server] } },
    },
    files: { "crash.mjs": crashing },
  });
  const counts = async () =>
    ((await evenkeel.admin("/api/v2/servers")) as { servers: { inFlight: number; connections: number }[] }).servers[0]!;
  const workers = async () => ((await evenkeel.admin("/api/v2/status")) as { workers: WorkerStatus[] }).workers;

  // Requests that the origin never answers, on both workers or (by the kernel's choice) one.
  const requests = Array.from({ length: 8 }, () =>
    fetch(`${evenkeel.url()}/held`).then(
      () => "answered",
      () => "cut",
    ),
  );
  let cut = 0;
  for (const request of requests) void request.then((end) => (cut += end === "cut" ? 1 : 0));
  await until(() => held === 8);
  expect((await counts()).inFlight).toBe(8);

  const before = performance.now();
  await fetch(evenkeel.url(), { headers: { "x-crash": "1" } }).catch(() => undefined);
  await evenkeel.waitForLog(/worker \d died and is replaced at once.*crashed on purpose/);
  await until(async () => (await workers()).every(({ state }) => state === "running"));
  // It takes a fraction of a second; the rest is for a machine that runs other tests beside this one.
  expect(performance.now() - before).toBeLessThan(2000);
  expect((await workers()).map(({ restarts }) => restarts).toSorted()).toEqual([0, 1]);

  // What the dead worker had in flight is gone, what the other one has is still there.
  await until(async () => (await counts()).inFlight === 8 - cut);
  expect((await workers()).map(({ planVersion }) => planVersion)).toEqual([1, 1]);
  for (let i = 0; i < 20; i++) {
    const response = await fetch(evenkeel.url(), { headers: { connection: "close" } });
    expect(await response.text()).toBe("ok");
  }
  origin.closeAllConnections();
  await Promise.all(requests);
  await until(async () => (await counts()).inFlight === 0);
});
