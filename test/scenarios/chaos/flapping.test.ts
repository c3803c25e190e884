import { describe, expect, it } from "vitest";
import type { OriginMode } from "../../support/chaos/origin-settings.ts";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { doubled, dueIn, failuresOf, sharesOf } from "../../support/chaos/measure.ts";
import { startMixedLoad } from "../../support/chaos/mixed-load.ts";
import { monotonic } from "../../support/chaos/monotonic.ts";
import { watchPool } from "../../support/chaos/pool-watch.ts";
import { startProxy } from "../../support/proxy.ts";

const names = ["a", "b", "c"];
const HALF = 500;
const TURNS = 10;

describe("one of three servers is down and up in turn, half a second each", () => {
  it.each(["closed", "resetting", "failing"] as const)("by being %s", { timeout: 60_000 }, async (mode: OriginMode) => {
    const origins = await startChaosOrigins(3);
    const evenkeel = await startProxy(
      origins.map(({ address }) => address),
      {
        workers: 2,
        pool: {
          algorithm: "round_robin",
          healthCheck: { type: "http", path: "/health", interval: "1s", unhealthyInterval: "1s", timeout: "500ms" },
        },
      },
    );
    const load = await startMixedLoad(evenkeel.port());
    const watch = watchPool(evenkeel);
    await load.goOn(1500);
    const from = monotonic();
    await origins[1].behave({ mode, alternate: HALF });
    const span = { from, to: await load.goOn(TURNS * 2 * HALF) };
    await load.stop();
    await watch.stop();

    expect(failuresOf(load.samples, ["GET", "PUT"])).toEqual([]);
    expect(doubled(origins, "POST")).toEqual([]);
    const changes = watch.states(1, span.from, span.to).length - 1;
    report(`flapping server (${mode} for 0.5 s, well for 0.5 s)`, {
      "changes of the server": TURNS * 2,
      "changes of its state in the pool": changes,
      "its share of the requests": sharesOf(dueIn(load.samples, span), names)[1],
      "kinds of errors of GET and PUT": failuresOf(load.samples, ["GET", "PUT"]).join(", ") || "none",
      "kinds of errors of POST": failuresOf(load.samples, ["POST"]).join(", ") || "none",
    });
    // Each time that it goes away again it stays out for longer.
    expect(changes).toBeLessThanOrEqual(TURNS);
    for (const other of [0, 2]) expect(watch.states(other)).toHaveLength(1);
  });
});
