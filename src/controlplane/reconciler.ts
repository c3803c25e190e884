import type { Clock } from "../core/clock.ts";
import { diffConfig } from "../config/diff.ts";
import type { LoadedConfig } from "../config/load.ts";
import { formatProblem, plainProblem, type Problem } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";
import { SlotAllocator } from "../config/slots.ts";
import { createSnapshot, type Snapshot } from "../config/snapshot.ts";
import type { Scoreboard } from "../shared-memory/scoreboard.ts";
import type { FoundServers, UsableConfig } from "./found-servers.ts";
import type { Log } from "./log.ts";
import { Removals } from "./removals.ts";
import type { ReloadOutcome } from "./reload-outcome.ts";
import { restartNeeds } from "./restart-needs.ts";

/** What puts a snapshot into use on all workers, or rejects and leaves the old one in use on all of them. */
export interface Publisher {
  publish(snapshot: Snapshot): Promise<unknown>;
}

export interface ReconcilerOptions {
  readonly publisher: Publisher;
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  readonly log: Log;
  /** What finds further servers at run time, when there is such a thing. */
  readonly found?: FoundServers | undefined;
}

/** Differences that the log names when the found servers change; what is beyond is counted. */
const MAX_LOGGED_CHANGES = 20;

/**
 * Brings the node to the configuration that is wanted: makes the snapshot, has it published, and keeps the last good
 * one when that fails. One attempt runs at a time; the caller sees to that.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #slots: SlotAllocator;
  readonly #removals: Removals;
  #snapshot: Snapshot | undefined;
  /** The configuration in use as it was loaded, without the servers that were found. */
  #loaded: UsableConfig | undefined;
  /** What the program was started with; some of it holds until the next start. */
  #started: Config | undefined;
  /** Why the found servers could not be used, while that is so. */
  #complaint: string | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#slots = new SlotAllocator(options.scoreboard.handle.servers);
    this.#removals = new Removals(this.#slots, options.scoreboard, options.clock);
  }

  /** The snapshot in use; undefined before the first. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** The configuration in use as people wrote it: without the servers that were found; undefined before the first. */
  get config(): Config | undefined {
    return this.#loaded?.config;
  }

  /** Puts the first configuration into use. Rejects with what stood in the way. */
  async start(loaded: UsableConfig): Promise<void> {
    await this.#publish(loaded, 1);
    this.#started = loaded.config;
  }

  /** Puts another configuration into use if it is good and differs, and says in the log what came of it. Never rejects. */
  async reload(loaded: LoadedConfig): Promise<ReloadOutcome> {
    const { log } = this.#options;
    const before = this.#loaded!.config;
    const { version } = this.#snapshot!;
    const { config } = loaded;
    if (config === undefined) return this.#kept(loaded.problems);
    const changes = diffConfig(before, config).map((change) => change.text);
    if (changes.length === 0) {
      log("info", "the configuration is unchanged");
      return { result: "unchanged", version, changes, problems: loaded.problems };
    }
    const needs = restartNeeds(this.#started ?? before, config).map((text) => plainProblem(text));
    const problems: Problem[] = [
      ...loaded.problems,
      ...needs.map((need) => ({ ...need, severity: "warning" as const })),
    ];
    try {
      await this.#publish({ ...loaded, config }, version + 1);
    } catch (error) {
      return this.#kept([...problems, plainProblem((error as Error).message)]);
    }
    log("info", `configuration ${this.#snapshot!.version} is in use`);
    for (const change of changes) log("info", `  ${change}`);
    for (const problem of problems) log("warn", formatProblem(problem));
    return { result: "applied", version: this.#snapshot!.version, changes, problems };
  }

  /**
   * Brings the servers that are known now into use if they are others than before. Returns false when that failed,
   * which is said once; what was in use stays. Never rejects.
   */
  async refresh(): Promise<boolean> {
    const { log, found } = this.#options;
    const before = this.#snapshot;
    const loaded = this.#loaded;
    if (before === undefined || loaded === undefined || found === undefined) return true;
    const changes = diffConfig(before.config, found.complete(loaded)).map((change) => change.text);
    if (changes.length === 0) return true;
    try {
      await this.#publish(loaded, before.version + 1);
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#complaint) log("error", `the servers that were found cannot be used: ${message}`);
      this.#complaint = message;
      return false;
    }
    this.#complaint = undefined;
    log("info", `configuration ${this.#snapshot!.version} is in use, for other servers were found`);
    for (const change of changes.slice(0, MAX_LOGGED_CHANGES)) log("info", `  ${change}`);
    if (changes.length > MAX_LOGGED_CHANGES) log("info", `  and ${changes.length - MAX_LOGGED_CHANGES} more`);
    return true;
  }

  close(): void {
    this.#removals.close();
  }

  /** Puts a configuration, completed by what is found, into use on all workers; rejects when the old one stays. */
  async #publish(loaded: UsableConfig, version: number): Promise<void> {
    const { found } = this.#options;
    try {
      await found?.prepare(loaded);
      await this.#apply(found?.complete(loaded) ?? loaded.config, loaded.modules, version);
    } catch (error) {
      if (this.#loaded !== undefined) found?.settle(this.#loaded);
      throw error;
    }
    this.#loaded = loaded;
    found?.settle(loaded);
  }

  async #apply(config: Config, modules: readonly string[], version: number): Promise<void> {
    const { publisher, scoreboard, clock } = this.#options;
    const before = this.#snapshot;
    this.#removals.collect();
    const known = new Set([...Object.values(before?.slots ?? {}).flat(), ...this.#slots.draining]);
    const { slots } = this.#slots.assign(config.pools);
    const now = clock.now();
    for (const slot of new Set(Object.values(slots).flat())) if (!known.has(slot)) scoreboard.reset(slot, now);
    const snapshot = createSnapshot(version, config, slots, modules);
    try {
      await publisher.publish(snapshot);
    } catch (error) {
      if (before !== undefined) {
        this.#slots.assign(before.config.pools);
        this.#removals.watch([]);
      }
      throw error;
    }
    this.#snapshot = snapshot;
    const gone = Object.keys(before?.config.listeners ?? {}).filter((name) => !Object.hasOwn(config.listeners, name));
    this.#removals.watch(gone, Object.keys(config.listeners));
  }

  #kept(problems: readonly Problem[]): ReloadOutcome {
    const { log } = this.#options;
    log("error", "kept the old configuration, for the new one cannot be used:");
    for (const problem of problems) log(problem.severity === "error" ? "error" : "warn", `  ${formatProblem(problem)}`);
    return { result: "kept", version: this.#snapshot!.version, changes: [], problems };
  }
}
