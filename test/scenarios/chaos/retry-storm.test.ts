import { describe, expect, it } from "vitest";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { beginnings, doubled, dueIn, failuresOf } from "../../support/chaos/measure.ts";
import { startMixedLoad } from "../../support/chaos/mixed-load.ts";
import { monotonic } from "../../support/chaos/monotonic.ts";
import { startProxy } from "../../support/proxy.ts";

/*
 * The budget holds over 10 s, in which it may be spent at once, and its oldest second ends as a whole: over two such
 * times, less a bit, it allows a little more than 20 %, whenever they begin.
 */
const STORM = 18_500;
const LIMIT = 1.25;

async function storm(pool: Readonly<Record<string, unknown>>) {
  const origins = await startChaosOrigins(10);
  const evenkeel = await startProxy(
    origins.map(({ address }) => address),
    { workers: 2, pool: { algorithm: "round_robin", ...pool } },
  );
  const load = await startMixedLoad(evenkeel.port());
  await load.goOn(3500);
  const failing = origins.slice(5);
  const begun = monotonic();
  await Promise.all(failing.map((origin) => origin.behave({ mode: "failing" })));
  const span = { from: begun, to: await load.goOn(STORM) };
  await load.stop();

  const requests = dueIn(load.samples, span);
  // Without a retry each would get a tenth of the requests.
  const rises = origins.slice(0, 5).map((origin) => (10 * beginnings(origin, span).length) / requests.length);
  const sent = origins.reduce((sum, origin) => sum + beginnings(origin, span).length, 0);
  let peak = 0;
  for (let at = span.from; at + 1000 <= span.to; at += 250) {
    const second = { from: at, to: at + 1000 };
    const tries = origins.reduce((sum, origin) => sum + beginnings(origin, second).length, 0);
    peak = Math.max(peak, tries / dueIn(load.samples, second).length);
  }
  expect(doubled(origins, "POST")).toEqual([]);
  const amplification = sent / requests.length;
  const figures = {
    requests: requests.length,
    "tries per request": amplification,
    "tries per request in the worst second": peak,
    "load on the others, times the usual": Math.max(...rises),
    "tries by server": origins.map((origin) => beginnings(origin, span).length).join(" "),
    "errors of GET and PUT": requests.filter(({ method, error }) => method !== "POST" && error !== "").length,
    "kinds of errors": failuresOf(requests, ["GET", "PUT", "POST"]).join(", ") || "none",
  };
  return { amplification, rise: Math.max(...rises), figures, requests, span };
}

describe("half of ten servers begin to answer 500 to everything", () => {
  it("retries are held to their budget, without outlier detection", { timeout: 60_000 }, async () => {
    const { amplification, rise, figures } = await storm({ outlierDetection: "off" });
    report("retry storm, without outlier detection", figures);
    expect(amplification).toBeLessThan(LIMIT);
    // There was a storm to be held: without retries it would be 1.
    expect(amplification).toBeGreaterThan(1.1);
    expect(rise).toBeLessThan(LIMIT);
  });

  it("and with the settings as they come", { timeout: 60_000 }, async () => {
    const { amplification, figures } = await storm({});
    report("retry storm, default settings", figures);
    expect(amplification).toBeLessThan(LIMIT);
  });
});
