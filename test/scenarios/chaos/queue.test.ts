import { describe, expect, it } from "vitest";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { mostAtOnce } from "../../support/chaos/measure.ts";
import { monotonic } from "../../support/chaos/monotonic.ts";
import { startProxy } from "../../support/proxy.ts";
import { exchange } from "../../support/raw-client.ts";

const CLIENTS = 50;
const always = { from: -Infinity, to: Infinity };

/** Three servers that take two requests each, and what 50 requests at the same time get. */
async function ask(latency: number, queue: Readonly<Record<string, unknown>>) {
  const origins = await startChaosOrigins(3, { latency, spread: 0 });
  const evenkeel = await startProxy(
    origins.map(({ address }) => ({ address, maxConnections: 2 })),
    { workers: 2, pool: { queue } },
  );
  const answers = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const begun = monotonic();
      const { status, body } = await exchange(evenkeel.port(), `GET / HTTP/1.1\r\nHost: a\r\nX-Test-Id: q${i}\r\n\r\n`);
      const code = status === 200 ? "" : (JSON.parse(body.toString()) as { error: { code: string } }).error.code;
      return { status, code, time: monotonic() - begun };
    }),
  );
  for (const origin of origins) expect(mostAtOnce(origin, always)).toBeLessThanOrEqual(2);
  return answers;
}

describe("50 requests at once for three servers that take two each", () => {
  it("wait for their turn and are all served", async () => {
    const answers = await ask(20, { timeout: "5s" });
    expect(answers.map(({ code }) => code).filter(Boolean)).toEqual([]);
    const longest = Math.max(...answers.map(({ time }) => time));
    report("queue, 20 ms per request", { requests: CLIENTS, served: CLIENTS, "longest (ms)": longest });
  });

  it("get 503 when their turn does not come in time", async () => {
    const answers = await ask(600, { timeout: "1s" });
    const late = answers.filter(({ status }) => status !== 200);
    expect(new Set(late.map(({ code }) => code))).toEqual(new Set(["queue_timeout"]));
    // Six at once, and six more when those are done.
    expect(answers.length - late.length).toBe(12);
    for (const { time } of late) expect(time).toBeGreaterThan(900);
    report("queue, 600 ms per request and 1 s of patience", {
      served: answers.length - late.length,
      queue_timeout: late.length,
      "longest wait of these (ms)": Math.max(...late.map(({ time }) => time)),
    });
  });

  it("get 503 at once when too many wait", async () => {
    const answers = await ask(200, { limit: 5, timeout: "5s" });
    const full = answers.filter(({ code }) => code === "queue_full");
    const served = answers.filter(({ status }) => status === 200);
    expect(full.length + served.length).toBe(CLIENTS);
    // Six that are worked on, and at most five more per worker.
    expect(served.length).toBeGreaterThanOrEqual(6);
    expect(served.length).toBeLessThanOrEqual(16);
    report("queue, room for five per worker", { served: served.length, queue_full: full.length });
  });
});
