import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { startNginx } from "../support/origins.ts";
import { openDescriptors, residentBytes } from "../support/process-usage.ts";
import { serverCounters, startProxy } from "../support/proxy.ts";
import { missing, tool } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

/* wrk counts by time, so it runs until that many requests were served. EVENKEEL_WRK_REQUESTS gives another number. */
const COUNT = Number(process.env["EVENKEEL_WRK_REQUESTS"] ?? 1_000_000);
const CONNECTIONS = 128;
const run = promisify(execFile);

interface Result {
  readonly requests: number;
  readonly problems: readonly string[];
}

async function wrk(url: string, seconds: number): Promise<Result> {
  const { stdout } = await run(tool("wrk"), ["-t", "1", "-c", String(CONNECTIONS), "-d", `${seconds}s`, url]);
  return {
    requests: Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0),
    // Lines that wrk writes only when something went wrong.
    problems: stdout.split("\n").filter((line) => /Socket errors|Non-2xx/.test(line)),
  };
}

const skip = missing("wrk", "1,000,000 requests") || missing("nginx", "1,000,000 requests");

describe.skipIf(skip)(`${COUNT} requests with wrk`, () => {
  it("meet no error and leave no growth of memory or descriptors behind", { timeout: 300_000 }, async () => {
    const origin = await startNginx({}, `location / { return 200 "hello"; }`);
    const evenkeel = await startProxy([origin.address], { workers: 2, upstream: { idleTimeout: "3s" } });
    const url = `${evenkeel.url()}/`;
    const open = async () =>
      ((await evenkeel.admin("/api/v2/status")) as { totals: { openConnections: number } }).totals.openConnections;
    const settled = () => waitFor("all client connections to be closed", async () => (await open()) === 0);
    const problems: string[] = [];

    const descriptors = openDescriptors(evenkeel.pid);
    const warm = await wrk(url, 5);
    problems.push(...warm.problems);
    await settled();
    const memory = residentBytes(evenkeel.pid);

    let requests = warm.requests;
    while (requests < COUNT) {
      const part = await wrk(url, 10);
      requests += part.requests;
      problems.push(...part.problems);
      if (part.requests === 0) break;
    }
    await settled();
    expect(problems).toEqual([]);
    expect(requests).toBeGreaterThanOrEqual(COUNT);

    const [counters] = await serverCounters(evenkeel);
    expect(counters.errors).toBe(0);
    expect(counters.connectFailures).toBe(0);
    expect(counters.inFlight).toBe(0);
    expect(counters.requests).toBeGreaterThanOrEqual(requests);
    // Once the idle connections to the server are closed, nothing of the million is left open (but for those of the test's own questions to the admin listener).
    await waitFor("the descriptors to be closed", () => openDescriptors(evenkeel.pid) <= descriptors + 4, 20_000);
    expect(residentBytes(evenkeel.pid) - memory).toBeLessThan(32 * 1_048_576);
  });
});
