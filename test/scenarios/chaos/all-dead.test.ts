import { describe, expect, it } from "vitest";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { dueIn, failuresOf, median } from "../../support/chaos/measure.ts";
import { startMixedLoad } from "../../support/chaos/mixed-load.ts";
import { monotonic } from "../../support/chaos/monotonic.ts";
import { startProxy } from "../../support/proxy.ts";
import { RawClient } from "../../support/raw-client.ts";
import { waitFor } from "../../support/wait.ts";

/* Time between checks of a server that is down; what comes on top is the check itself and the way to the workers. */
const UNHEALTHY_INTERVAL = 1000;
const MARGIN = 500;

/** Times in ms until a 503 is there, of requests that come one after the other. */
async function answerTimes(port: number): Promise<number[]> {
  const client = await RawClient.connect(port);
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    const sent = monotonic();
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await client.response()).status).toBe(503);
    times.push(monotonic() - sent);
  }
  client.socket.destroy();
  return times;
}

describe("all servers are dead", () => {
  it.each([
    [
      "with health checks",
      {
        healthCheck: {
          type: "http",
          path: "/health",
          interval: "1s",
          unhealthyInterval: UNHEALTHY_INTERVAL,
          timeout: "500ms",
        },
      },
    ],
    ["with the settings as they come", {}],
  ])("503 comes quickly, and the first server that is back is used within one check, %s", async (name, pool) => {
    const origins = await startChaosOrigins(3);
    const evenkeel = await startProxy(
      origins.map(({ address }) => address),
      { workers: 2, pool: { algorithm: "round_robin", ...pool } },
    );
    const load = await startMixedLoad(evenkeel.port(), { rate: 200 });
    await load.goOn(1000);
    await Promise.all(origins.map((origin) => origin.kill()));
    const killed = monotonic();
    await waitFor("the first 503", () => load.samples.some(({ due, status }) => due > killed && status === 503), 3000);
    const out = monotonic();
    const times = await answerTimes(evenkeel.port());
    const dead = { from: out, to: await load.goOn(2000) };

    await origins[2].start();
    const started = monotonic();
    const isBack = () => load.samples.some(({ due, server }) => due > started && server === "c");
    await waitFor("the server that is back to be used", isBack, 10_000);
    const back = Math.min(
      ...load.samples.filter(({ due, server }) => due > started && server === "c").map(({ due }) => due),
    );
    await load.goOn(1000);
    await load.stop();

    const answers = dueIn(load.samples, dead);
    expect(new Set(answers.map(({ error }) => error))).toEqual(new Set(["no_server"]));
    expect(median(times)).toBeLessThan(5);
    expect(back - started).toBeLessThan(UNHEALTHY_INTERVAL * 1.1 + MARGIN);
    // From then on all is served again, by the one server.
    const after = load.samples.filter(({ due }) => due > back + 100);
    expect(failuresOf(after, ["GET", "PUT", "POST"])).toEqual([]);
    report(`all servers dead, ${name}`, {
      "first 503 after (ms)": Math.round(out - killed),
      "answers while dead": answers.length,
      "median time of a 503 (ms)": median(times),
      "back after (ms)": Math.round(back - started),
    });
  });
});
