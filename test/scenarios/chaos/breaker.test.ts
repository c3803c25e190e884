import { expect, it } from "vitest";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { beginnings, doubled, dueIn, failuresOf, mostAtOnce, sharesOf } from "../../support/chaos/measure.ts";
import { startMixedLoad } from "../../support/chaos/mixed-load.ts";
import { monotonic } from "../../support/chaos/monotonic.ts";
import { startProxy } from "../../support/proxy.ts";
import { waitFor } from "../../support/wait.ts";

const TRIALS = 3;
const RECOVERY = 1000;

it("a server's circuit breaker opens, tries with few requests, and closes", { timeout: 60_000 }, async () => {
  const origins = await startChaosOrigins(3);
  const evenkeel = await startProxy(
    origins.map(({ address }) => address),
    {
      workers: 2,
      pool: {
        algorithm: "round_robin",
        outlierDetection: "off",
        circuitBreaker: { failureThreshold: 5, recoveryTimeout: RECOVERY, halfOpenRequests: TRIALS },
      },
    },
  );
  const load = await startMixedLoad(evenkeel.port());
  await load.goOn(1500);
  const broken = monotonic();
  await origins[1].behave({ mode: "failing" });
  const halfway = await load.goOn(4300);

  // Once the breaker is open, each recovery time brings trials, of which the first failure ends the round.
  const tries = beginnings(origins[1], { from: broken, to: halfway });
  const rounds: number[][] = [];
  for (const at of tries) {
    const round = rounds.at(-1);
    if (round === undefined || at - round.at(-1)! > RECOVERY / 2) rounds.push([at]);
    else round.push(at);
  }
  expect(rounds.length).toBeGreaterThan(2);
  for (const round of rounds.slice(1)) expect(round.length).toBeLessThanOrEqual(TRIALS);

  // A server that works again, but so slowly that all trials are under way at once.
  await origins[1].behave({ mode: "normal", latency: 400, spread: 0 });
  const slow = monotonic();
  await waitFor("the trials", () => beginnings(origins[1], { from: slow, to: Infinity }).length >= TRIALS, 5000);
  const tried = beginnings(origins[1], { from: slow, to: Infinity })[0];
  await load.goOn(200);
  const trialsAtOnce = mostAtOnce(origins[1], { from: slow, to: tried + 350 });
  expect(trialsAtOnce).toBe(TRIALS);
  await origins[1].behave({ latency: 4, spread: 0.5 });
  const closed = await load.goOn(1500);
  await load.goOn(1500);
  await load.stop();
  const share = sharesOf(dueIn(load.samples, { from: closed, to: Infinity }), ["a", "b", "c"])[1];
  expect(share).toBeGreaterThan(0.9 / 3);
  expect(failuresOf(load.samples, ["GET", "PUT"])).toEqual([]);
  expect(doubled(origins, "POST")).toEqual([]);
  report("circuit breaker (5 failures, 1 s, 3 trials)", {
    "requests until it opens": rounds[0].length,
    "trials per second that fail": rounds
      .slice(1)
      .map(({ length }) => length)
      .join(", "),
    "trials at the same time": trialsAtOnce,
    "share after it has closed": share,
    "kinds of errors of GET and PUT": failuresOf(load.samples, ["GET", "PUT"]).join(", ") || "none",
    "kinds of errors of POST": failuresOf(load.samples, ["POST"]).join(", ") || "none",
  });
});
