import { normaliseConfig } from "../config/normalise.ts";
import type { PoolConfig } from "../config/schema.ts";
import { algorithms } from "../core/balancing/registry.ts";

/** A pool's configuration as people write it, with all defaults filled in. Throws what is wrong with it. */
export function poolConfig(pool: Readonly<Record<string, unknown>> = {}): PoolConfig {
  const input = {
    listeners: { web: { listen: "127.0.0.1:0", pool: "web" } },
    pools: { web: { servers: ["127.0.0.1:1"], ...pool } },
  };
  const { config, problems } = normaliseConfig(input, { extensions: { algorithms, filters: [] } });
  if (config === undefined) throw new Error(problems.map(({ message }) => message).join("; "));
  return config.pools["web"]!;
}
