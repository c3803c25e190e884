import { describe, expect, it } from "vitest";
import { Load } from "../support/load.ts";
import { serverCounters, startProxy } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { type OriginConnection, answerOk, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/* A filter of the operator's own that breaks its worker in the ways that code can. */
const faulty = `
export default {
  kind: "filter",
  name: "faulty",
  summary: "Breaks its worker on demand.",
  schema: { type: "object", additionalProperties: false, properties: {} },
  create: () => ({
    onRequestHead({ request }) {
      if (request.path === "/exit") process.exit(3);
      if (request.path === "/throw") setImmediate(() => { throw new Error("thrown by the faulty filter"); });
      if (request.path === "/loop") for (;;);
    },
  }),
};
`;

async function startFaulty(workers: number) {
  const waiting: OriginConnection[] = [];
  const origin = await startRawOrigin((request, connection) => {
    if (request.target === "/wait") waiting.push(connection);
    else answerOk(request, connection);
  });
  const evenkeel = await startProxy([origin.address], {
    workers,
    files: { "faulty.mjs": faulty },
    top: { modules: ["./faulty.mjs"] },
    listener: { routes: [{ filters: [{ faulty: {} }], pool: "web" }] },
  });
  return { origin, evenkeel, waiting };
}

interface Status {
  readonly workers: readonly { worker: number; state: string; restarts: number }[];
}

describe("a worker that dies", () => {
  it.each(["/exit", "/throw", "/loop"])(
    "by %s is replaced, and its counts are taken back",
    { timeout: 60_000 },
    async (path) => {
      const { evenkeel, waiting } = await startFaulty(1);
      const hanging = await RawClient.connect(evenkeel.port());
      await hanging.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
      await waitFor("a request in flight", () => waiting.length === 1);
      expect((await serverCounters(evenkeel))[0].inFlight).toBe(1);
      const victim = await RawClient.connect(evenkeel.port());
      await victim.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await hanging.closed(30_000);
      await waitFor(
        "the successor",
        async () => {
          const { workers } = (await evenkeel.admin("/api/v2/status")) as Status;
          return workers[0].restarts > 0 && workers[0].state === "running";
        },
        30_000,
      );
      expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
      const [counters] = await serverCounters(evenkeel);
      expect(counters.inFlight).toBe(0);
    },
  );

  it("does not disturb the other workers, and the port is never refused", { timeout: 60_000 }, async () => {
    const { evenkeel } = await startFaulty(2);
    const load = new Load(evenkeel.port(), { clients: 8, request: () => GET, fresh: () => true });
    await waitFor("load", () => load.served > 100);
    for (let i = 1; i <= 3; i++) {
      const killer = await RawClient.connect(evenkeel.port());
      await killer.send("GET /exit HTTP/1.1\r\nHost: a\r\n\r\n");
      await killer.closed();
      const before = load.served;
      await waitFor("the others to go on", () => load.served > before + 100);
      await waitFor("the successor", async () => {
        const { workers } = (await evenkeel.admin("/api/v2/status")) as Status;
        return (
          workers.every(({ state }) => state === "running") &&
          workers.reduce((sum, { restarts }) => sum + restarts, 0) >= i
        );
      });
    }
    await load.stop();
    // Connections that the dying worker had are lost; none is refused, and no answer is an error.
    expect(load.failures.filter((failure) => /^\d|ECONNREFUSED/.test(failure))).toEqual([]);
  });
});
