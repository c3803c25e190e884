import { expect, it } from "vitest";
import { startProxy } from "../proxy.ts";
import { waitFor } from "../wait.ts";
import { type ChaosOrigin, startChaosOrigin } from "./chaos-origin.ts";
import { report } from "./figures.ts";
import { beginnings, doubled, dueIn, failuresOf, latencies, percentile, sharesOf, type Span } from "./measure.ts";
import { type MixedLoad, startMixedLoad } from "./mixed-load.ts";
import { monotonic } from "./monotonic.ts";
import type { NetworkSite } from "./network.ts";
import { type PoolWatch, watchPool } from "./pool-watch.ts";

/** A way in which one server can break. */
export interface Fault {
  /** For the table of figures. */
  readonly name: string;
  readonly breakIt: (origin: ChaosOrigin, site: NetworkSite | undefined) => unknown;
  readonly mendIt: (origin: ChaosOrigin, site: NetworkSite | undefined) => unknown;
  /** Where the origins run, when not on the loopback address. */
  readonly sites?: () => NetworkSite[];
  /** The server answers nobody while it is broken, so that its own journal does not tell when requests were sent to it. */
  readonly silent?: boolean;
}

const NORMAL = 2500;
/* Shorter than the ejection time below: a server that comes back on trial while it is broken is not yet to be seen. */
const BROKEN = 4000;
const SLOW_START = 4000;
/** What the requirement says, and what is asserted on a machine that is shared with other work. */
const EXCLUSION = 1500;
/**
 * ms below which latencies are not compared with twice the usual: on a machine that is shared, processes wait so long
 * for a processor. The figures tell how it was.
 */
const MEDIAN_FLOOR = 50;
const P99_FLOOR = 1000;

const names = ["a", "b", "c"];
const broken = 1;

/**
 * The tests that every fault of one server of three has to pass, under a steady load of GET, PUT and POST: with a pool
 * as it comes, and with health checks and slow start.
 */
export function oneOfThree(fault: Fault): void {
  it("no client notices, with the settings as they come", { timeout: 60_000 }, async () => {
    const setting = await prepare(fault, {});
    const span = await breakForAWhile(fault, setting);
    await setting.load.stop();
    await setting.watch.stop();
    report(`${fault.name}, default settings`, checkFault(fault, setting, span));
  });

  it("nor with health checks, and it comes back little by little", { timeout: 60_000 }, async () => {
    const setting = await prepare(fault, {
      healthCheck: { type: "http", path: "/health", interval: "1s", unhealthyInterval: "1s", timeout: "500ms" },
      outlierDetection: { ejectionTime: "5s" },
      slowStart: SLOW_START,
    });
    const { load, watch, origins, sites } = setting;
    const span = await breakForAWhile(fault, setting);
    await fault.mendIt(origins[broken], sites[broken]);
    const mended = monotonic();
    const isBack = () => load.samples.some(({ server, due }) => server === names[broken] && due > mended);
    await waitFor("a request to the mended server", isBack, 10_000);
    await load.goOn(SLOW_START + 2500);
    await load.stop();
    await watch.stop();
    const figures = checkFault(fault, setting, span);
    report(`${fault.name}, health checks`, { ...figures, ...checkRecovery(setting, mended) });
  });
}

interface Setting {
  readonly origins: readonly ChaosOrigin[];
  readonly sites: readonly (NetworkSite | undefined)[];
  readonly load: MixedLoad;
  readonly watch: PoolWatch;
  readonly normal: Span;
}

async function prepare(fault: Fault, pool: Readonly<Record<string, unknown>>): Promise<Setting> {
  const sites: (NetworkSite | undefined)[] = fault.sites?.() ?? names.map(() => undefined);
  const origins = await Promise.all(names.map((name, i) => startChaosOrigin(name, { latency: 10 }, sites[i])));
  const evenkeel = await startProxy(
    origins.map(({ address }) => address),
    { workers: 2, pool: { algorithm: "round_robin", ...pool } },
  );
  const load = await startMixedLoad(evenkeel.port());
  const watch = watchPool(evenkeel);
  // What has to be compiled and connected first is not the usual state.
  const from = await load.goOn(1500);
  return { origins, sites, load, watch, normal: { from, to: await load.goOn(NORMAL) } };
}

async function breakForAWhile(fault: Fault, { origins, sites, load }: Setting): Promise<Span> {
  const from = monotonic();
  await fault.breakIt(origins[broken], sites[broken]);
  return { from, to: await load.goOn(BROKEN) };
}

/** What has to hold while the server is broken; the figures. */
function checkFault(fault: Fault, { origins, load, watch, normal }: Setting, span: Span) {
  const during = dueIn(load.samples, span);
  expect(failuresOf(load.samples, ["GET", "PUT"])).toEqual([]);
  expect(doubled(origins, "POST")).toEqual([]);
  // The fault of one is not laid at another's door.
  for (const other of [0, 2]) expect(watch.states(other).map(({ state }) => state)).toEqual(["up"]);

  const last =
    fault.silent === true
      ? watch.lastGiven(broken, span.from, span.to)
      : Math.max(span.from, ...beginnings(origins[broken], span), watch.lastGiven(broken, span.from, span.to) || 0);
  const exclusion = last - span.from;
  expect(exclusion).toBeLessThan(EXCLUSION);

  const wasThere = new Set(
    origins[broken]
      .journal()
      .filter(({ kind }) => kind === "B")
      .map(({ id }) => id),
  );
  const others = (sample: { server: string; id: string }) =>
    sample.server !== names[broken] && sample.server !== "" && !wasThere.has(sample.id);
  const usual = latencies(dueIn(load.samples, normal).filter(others));
  const after = latencies(during.filter((sample) => others(sample) && sample.due > last));
  expect(percentile(after, 0.5)).toBeLessThan(Math.max(2 * percentile(usual, 0.5), MEDIAN_FLOOR));
  expect(percentile(after, 0.99)).toBeLessThan(Math.max(2 * percentile(usual, 0.99), P99_FLOOR));
  const posts = during.filter(({ method }) => method === "POST");
  return {
    requests: load.samples.length,
    "errors of GET and PUT": load.samples.filter(({ method, error }) => method !== "POST" && error !== "").length,
    "errors of POST": posts.filter(({ error }) => error !== "").length,
    "kinds of errors of POST": failuresOf(during, ["POST"]).join(", ") || "none",
    "POST done twice": doubled(origins, "POST").length,
    "time to exclusion (ms)": Math.round(exclusion),
    "p99 before (ms)": percentile(usual, 0.99),
    "p99 while excluded (ms)": percentile(after, 0.99),
    "p99 of all while broken (ms)": percentile(latencies(during), 0.99),
    "longest while broken (ms)": percentile(latencies(during), 1),
  };
}

/** What has to hold when the server is there again; the figures. */
function checkRecovery({ origins, load }: Setting, mended: number) {
  const served = beginnings(origins[broken], { from: mended, to: Infinity });
  const answered = load.samples.filter(({ server, due }) => server === names[broken] && due > mended);
  const back = Math.min(...answered.map(({ due }) => due));
  const share = (from: number, to: number) =>
    sharesOf(dueIn(load.samples, { from: back + from, to: back + to }), names)[broken];
  const first = share(0, 1000);
  const full = share(SLOW_START + 500, SLOW_START + 2000);
  expect(first).toBeLessThan(0.67 / 3);
  expect(full).toBeGreaterThan(0.75 / 3);
  // No thundering herd: no tenth of the first second brings more than the server's usual share of the rate.
  let most = 0;
  for (let at = 0; at < 1000; at += 100) {
    most = Math.max(most, served.filter((time) => time >= back + at && time < back + at + 100).length);
  }
  const usualPerTenth = dueIn(load.samples, { from: back, to: back + 1000 }).length / 10 / 3;
  expect(most).toBeLessThan(usualPerTenth * 1.5);
  return {
    "back after (ms)": Math.round(back - mended),
    "share in second 1": first,
    "share in second 2": share(1000, 2000),
    "share in second 3": share(2000, 3000),
    "share in second 4": share(3000, 4000),
    "share afterwards": full,
    "most requests in 100 ms of second 1": most,
    "usual requests in 100 ms": usualPerTenth,
  };
}
