import { type Evenkeel, type StartOptions, startEvenkeel } from "./evenkeel.ts";
import { waitFor } from "./wait.ts";

/** Parts of a configuration with one listener `web` in front of one pool `web`; what is given is added or wins. */
export interface WebOptions extends Partial<Omit<StartOptions, "config">> {
  readonly workers?: number;
  readonly listener?: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Record<string, unknown>>;
  readonly pool?: Readonly<Record<string, unknown>>;
  readonly upstream?: Readonly<Record<string, unknown>>;
  readonly top?: Readonly<Record<string, unknown>>;
}

/** A server of a pool: its address or an object of the configuration. */
export type ServerEntry = string | Readonly<Record<string, unknown>>;

/** The configuration that `startProxy` uses, for tests that change it while the program runs. */
export function webConfig(servers: readonly ServerEntry[], options: WebOptions = {}): Record<string, unknown> {
  const { workers = 1, listener, limits, pool, upstream, top } = options;
  const target = listener !== undefined && "routes" in listener ? {} : { pool: "web" };
  return {
    workers,
    listeners: { web: { listen: "127.0.0.1:0", ...target, ...(limits && { limits }), ...listener } },
    pools: { web: { servers, ...(upstream && { upstream }), ...pool } },
    ...top,
  };
}

/** Starts the program with one listener and one pool over these servers; one worker unless it is said otherwise. */
export function startProxy(servers: readonly ServerEntry[], options: WebOptions = {}): Promise<Evenkeel> {
  const { args = [], env = {}, files = {} } = options;
  return startEvenkeel({ config: webConfig(servers, options), args, env, files });
}

/** A server as `/api/v2/pools` shows it; the counters that tests look at. */
export interface ServerCounters {
  readonly id: string;
  readonly inFlight: number;
  readonly connections: number;
  readonly requests: number;
  readonly errors: number;
  readonly connectFailures: number;
  readonly retries: number;
}

/** The live counters of a pool's servers, in the order of the configuration. */
export async function serverCounters(evenkeel: Evenkeel, pool = "web"): Promise<ServerCounters[]> {
  const view = (await evenkeel.admin(`/api/v2/pools/${pool}`)) as { servers: ServerCounters[] };
  return view.servers;
}

/** Waits until no request is in flight on any server of the pool. */
export async function waitForQuiet(evenkeel: Evenkeel, pool = "web"): Promise<void> {
  await waitFor("all requests in flight to end", async () => {
    return (await serverCounters(evenkeel, pool)).every(({ inFlight }) => inFlight === 0);
  });
}
