import type { DiscoveryConfig } from "../../config/pool-parts-schema.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { Config, ServerConfig } from "../../config/schema.ts";
import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { Log } from "../log.ts";
import type { FoundServers, UsableConfig } from "../found-servers.ts";
import type { DiscoveryStatus } from "./discovery-status.ts";
import { FIRST_ANSWER_WAIT, LONGEST_DELAY, QUIET_TIME, RETRY_DELAY } from "./limits.ts";
import { PoolSource } from "./pool-source.ts";
import { withFound } from "./with-found.ts";

export interface DiscoveryManagerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Brings the servers that are known now into use; false when that failed: it is called again later. */
  publish(): Promise<boolean>;
}

/**
 * Runs one source for each pool with `discovery` and adds what it finds to the pool's own servers. A source goes on
 * over reloads that do not change its settings; one that takes another's place begins with that one's servers.
 */
export class DiscoveryManager implements FoundServers {
  readonly #options: DiscoveryManagerOptions;
  /** By pool, settings and folder. */
  readonly #sources = new Map<string, PoolSource>();
  /** Pool → key of the source that is in use. */
  #current: ReadonlyMap<string, string> = new Map();
  #timer: NodeJS.Timeout | undefined;
  /** When the first change came that waits to be published. */
  #waitingSince: number | undefined;
  #closed = false;

  constructor(options: DiscoveryManagerOptions) {
    this.#options = options;
  }

  async prepare(loaded: LoadedConfig): Promise<void> {
    const { config, extensions, baseDir = "." } = loaded;
    if (config === undefined || this.#closed) return;
    const started: [string, PoolSource][] = [];
    const { clock, random, log } = this.#options;
    for (const [pool, discovery, key] of wanted(config, baseDir)) {
      if (this.#sources.has(key)) continue;
      const definition = extensions.discoveries?.find(({ name }) => name === discovery.type);
      try {
        if (definition === undefined) throw new Error(`there is no source "${discovery.type}"`);
        const source = new PoolSource({
          pool,
          config: discovery,
          definition,
          inherited: this.#sources.get(this.#current.get(pool) ?? "")?.servers ?? [],
          deps: { clock, random, baseDir, log },
          changed: () => this.#changed(),
        });
        started.push([key, source]);
      } catch (error) {
        for (const [, source] of started) source.close();
        throw new Error(`pools.${pool}.discovery: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    }
    for (const [key, source] of started) this.#sources.set(key, source);
    await atMost(FIRST_ANSWER_WAIT, Promise.all(started.map(([, source]) => source.first)));
  }

  complete(loaded: UsableConfig): Config {
    const { config, baseDir = "." } = loaded;
    const pools = { ...config.pools };
    for (const [pool, , key] of wanted(config, baseDir)) {
      const found: readonly ServerConfig[] = this.#sources.get(key)?.servers ?? [];
      pools[pool] = { ...pools[pool]!, servers: withFound(pools[pool]!.servers, found) };
    }
    return { ...config, pools };
  }

  settle(loaded: UsableConfig): void {
    this.#current = new Map(wanted(loaded.config, loaded.baseDir ?? ".").map(([pool, , key]) => [pool, key]));
    const used = new Set(this.#current.values());
    for (const [key, source] of this.#sources) {
      if (used.has(key)) continue;
      source.close();
      this.#sources.delete(key);
    }
  }

  /** How the source of a pool is doing; undefined when it has none. */
  status(pool: string): DiscoveryStatus | undefined {
    return this.#sources.get(this.#current.get(pool) ?? "")?.status;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const source of this.#sources.values()) source.close();
    this.#sources.clear();
  }

  /** Waits until it is quiet for a moment, but not for ever. */
  #changed(): void {
    const now = this.#options.clock.now();
    this.#waitingSince ??= now;
    const left = this.#waitingSince + LONGEST_DELAY - now;
    this.#publishIn(Math.max(0, Math.min(QUIET_TIME, left)));
  }

  #publishIn(delay: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#publish(), delay);
    this.#timer.unref();
  }

  async #publish(): Promise<void> {
    this.#waitingSince = undefined;
    const done = await this.#options.publish();
    // What has changed in the meantime has its own timer.
    if (!done && this.#waitingSince === undefined) this.#publishIn(RETRY_DELAY);
  }
}

/** Pools with a source: name, source, and what makes it the same source over reloads. */
function wanted(config: Config, baseDir: string): [pool: string, discovery: DiscoveryConfig, key: string][] {
  return Object.entries(config.pools).flatMap(([pool, { discovery }]) =>
    discovery === undefined ? [] : [[pool, discovery, JSON.stringify([pool, discovery, baseDir])]],
  );
}

/** Resolves with the promise, or after so many ms. */
async function atMost(timeout: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeout)));
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
