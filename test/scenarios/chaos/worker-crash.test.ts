import { describe, expect, it } from "vitest";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { beginnings, doubled, dueIn, failuresOf, sharesOf } from "../../support/chaos/measure.ts";
import { startMixedLoad } from "../../support/chaos/mixed-load.ts";
import { monotonic } from "../../support/chaos/monotonic.ts";
import type { Evenkeel } from "../../support/evenkeel.ts";
import { startProxy } from "../../support/proxy.ts";
import { RawClient } from "../../support/raw-client.ts";
import { waitFor } from "../../support/wait.ts";

/* An operator's own filter: says which thread a request came to, and ends it if it is the one that was asked for. */
const deadly = `
import { threadId } from "node:worker_threads";
export default {
  kind: "filter",
  name: "deadly",
  summary: "Ends its worker on demand.",
  schema: { type: "object", additionalProperties: false, properties: {} },
  create: () => ({
    onRequestHead({ request }) {
      if (request.path !== "/exit") return;
      if (request.query === "?" + threadId) process.exit(3);
      return { status: 200, body: String(threadId) };
    },
  }),
};
`;

interface Status {
  readonly workers: readonly { state: string; restarts: number }[];
}

/** Asks a worker, whichever the kernel picks, to end if it is this thread; the thread that answered, or undefined. */
async function ask(evenkeel: Evenkeel, thread: string): Promise<string | undefined> {
  const client = await RawClient.connect(evenkeel.port());
  await client.send(`GET /exit?${thread} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  return /\r\n\r\n(\d+)$/.exec((await client.readToEnd()).toString("latin1"))?.[1];
}

/** Ends one worker after the other until each of the two has been replaced. */
async function replaceWorkers(evenkeel: Evenkeel): Promise<void> {
  const workers = async () => ((await evenkeel.admin("/api/v2/status")) as Status).workers;
  const threads = new Set<string>();
  while (threads.size < 2) threads.add((await ask(evenkeel, "none"))!);
  for (const [index, thread] of [...threads].entries()) {
    const deaths = index + 1;
    while ((await ask(evenkeel, thread)) !== undefined);
    const replaced = async () => {
      const now = await workers();
      const restarts = now.reduce((sum, worker) => sum + worker.restarts, 0);
      return restarts >= deaths && now.every(({ state }) => state === "running");
    };
    await waitFor("the dead worker to be replaced", replaced, 20_000);
  }
}

async function start(pool: Readonly<Record<string, unknown>>) {
  const origins = await startChaosOrigins(3);
  const evenkeel = await startProxy(
    origins.map(({ address }) => address),
    {
      workers: 2,
      files: { "deadly.mjs": deadly },
      top: { modules: ["./deadly.mjs"] },
      listener: { routes: [{ filters: [{ deadly: {} }], pool: "web" }] },
      pool: { algorithm: "round_robin", ...pool },
    },
  );
  const load = await startMixedLoad(evenkeel.port(), { rate: 300 });
  await load.goOn(1000);
  return { origins, evenkeel, load };
}

/** Requests lose their connection with their worker; nothing else may go wrong. */
const connectionErrors = /^(closed|ECONNRESET|EPIPE)$/;

describe("workers die and are replaced", () => {
  it("while a server is ejected: it stays so", { timeout: 60_000 }, async () => {
    const { origins, evenkeel, load } = await start({ outlierDetection: { ejectionTime: "60s" } });
    await origins[1].behave({ mode: "failing" });
    await load.goOn(1500);
    await origins[1].behave({ mode: "normal" });
    const ejected = monotonic();
    await replaceWorkers(evenkeel);
    await load.goOn(1500);
    await load.stop();
    const sent = beginnings(origins[1], { from: ejected, to: Infinity });
    expect(sent).toEqual([]);
    const after = dueIn(load.samples, { from: ejected, to: Infinity });
    const others = after.filter(({ error }) => !connectionErrors.test(error));
    expect(failuresOf(others, ["GET", "PUT", "POST"])).toEqual([]);
    expect(doubled(origins, "POST")).toEqual([]);
    report("both workers replaced while a server is ejected", {
      "requests to it afterwards": sent.length,
      "connections lost with the workers": failuresOf(after, ["GET", "PUT", "POST"]).join(", ") || "none",
    });
  });

  it("while a trial of its half-open breaker is under way: the breaker still closes", { timeout: 60_000 }, async () => {
    const { origins, evenkeel, load } = await start({
      outlierDetection: "off",
      circuitBreaker: { failureThreshold: 5, recoveryTimeout: "1s", halfOpenRequests: 1 },
    });
    await origins[1].behave({ mode: "failing" });
    await load.goOn(500);
    // The trial hangs on the server while its worker dies.
    await origins[1].behave({ mode: "normal", latency: 20_000, spread: 0 });
    const slow = monotonic();
    await waitFor("the trial", () => beginnings(origins[1], { from: slow, to: Infinity }).length > 0);
    await origins[1].behave({ latency: 4 });
    await replaceWorkers(evenkeel);
    const fast = monotonic();
    const served = () => load.samples.filter(({ server, due }) => server === "b" && due > fast).length;
    await waitFor("the server to be used again", () => served() > 20, 5000);
    const closed = await load.goOn(500);
    await load.goOn(1500);
    await load.stop();
    const share = sharesOf(dueIn(load.samples, { from: closed, to: Infinity }), ["a", "b", "c"])[1];
    expect(share).toBeGreaterThan(0.9 / 3);
    expect(doubled(origins, "POST")).toEqual([]);
    const back = Math.min(
      ...load.samples.filter(({ server, due }) => server === "b" && due > fast).map(({ due }) => due),
    );
    report("both workers replaced while a breaker is half-open", {
      "back after (ms)": Math.round(back - fast),
      "share afterwards": share,
    });
  });
});
