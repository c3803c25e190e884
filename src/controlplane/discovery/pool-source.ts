import { isDeepStrictEqual } from "node:util";
import { parseServerAddress } from "../../config/address.ts";
import type { DiscoveryConfig } from "../../config/pool-parts-schema.ts";
import type { ServerConfig } from "../../config/schema.ts";
import type {
  DiscoveredServer,
  DiscoveryDefinition,
  DiscoveryDeps,
  DiscoveryWatch,
} from "../../core/discovery/discovery.ts";
import { isMetadataAddress } from "../../core/net/metadata-address.ts";
import { isUnusableAddress } from "../../core/net/unusable-address.ts";
import type { DiscoveryStatus } from "./discovery-status.ts";
import { MAX_REASON, MAX_SERVERS } from "./limits.ts";
import { checkServer } from "./server-list.ts";
import { withFound } from "./with-found.ts";

export interface PoolSourceOptions {
  readonly pool: string;
  readonly config: DiscoveryConfig;
  readonly definition: DiscoveryDefinition;
  /** Servers that hold until the source has told its own: those of the source that it takes the place of. */
  readonly inherited: readonly ServerConfig[];
  readonly deps: DiscoveryDeps;
  /** Called when the list is another one. */
  changed(): void;
}

/**
 * One pool's running source: checks what it tells as strictly as the configuration, keeps the last good list whatever
 * happens, and says what goes wrong once and not with every attempt.
 */
export class PoolSource {
  /** Resolves when the source has said something for the first time, be it that it cannot. */
  readonly first: Promise<void>;
  readonly #options: PoolSourceOptions;
  readonly #watch: DiscoveryWatch;
  #tellFirst!: () => void;
  #servers: readonly ServerConfig[];
  #lastSuccess: number | null = null;
  #lastError: DiscoveryStatus["lastError"] = null;
  /** What was last complained about; undefined when all is well. */
  #complaint: string | undefined;
  /** What was last missing from the list. */
  #missing = "";
  #open = true;

  /** Throws when the source does not take its settings. */
  constructor(options: PoolSourceOptions) {
    this.#options = options;
    this.#servers = options.inherited;
    this.first = new Promise((resolve) => (this.#tellFirst = resolve));
    const { definition, config, deps } = options;
    this.#watch = definition.watch(
      config.settings,
      { servers: (list, missing) => this.#take(list, missing), failed: (reason) => this.#failed(reason) },
      deps,
    );
  }

  get servers(): readonly ServerConfig[] {
    return this.#servers;
  }

  get status(): DiscoveryStatus {
    const { type } = this.#options.config;
    return { type, servers: this.#servers.length, lastSuccess: this.#lastSuccess, lastError: this.#lastError };
  }

  refresh(): void {
    this.#watch.refresh();
  }

  close(): void {
    this.#open = false;
    this.#tellFirst();
    this.#watch.close();
  }

  #take(list: readonly DiscoveredServer[], missing: string | undefined): void {
    if (!this.#open) return;
    // Sources of modules may be in JavaScript: what they pass is not what its type says.
    if (!Array.isArray(list)) {
      this.#failed("the source told something that is not a list of servers");
      return;
    }
    const { clock } = this.#options.deps;
    this.#lastSuccess = clock.wall();
    if (this.#complaint !== undefined) {
      this.#complaint = undefined;
      this.#log("info", `works again, ${list.length} ${list.length === 1 ? "server" : "servers"}`);
    }
    const refused: string[] = missing === undefined ? [] : [missing];
    const servers = withFound([], this.#accepted(list, refused));
    this.#report(refused);
    this.#tellFirst();
    if (isDeepStrictEqual(servers, this.#servers)) return;
    this.#servers = servers;
    this.#options.changed();
  }

  #failed(reason: string): void {
    if (!this.#open) return;
    const shown = oneLine(reason);
    this.#lastError = { at: this.#options.deps.clock.wall(), reason: shown };
    this.#tellFirst();
    if (shown === this.#complaint) return;
    this.#complaint = shown;
    const kept = this.#servers.length;
    this.#log(
      "warn",
      `${shown}${kept === 0 ? "" : ` (its ${kept} known ${kept === 1 ? "server stays" : "servers stay"})`}`,
    );
  }

  /** Those that can be used; why the others cannot goes into `refused`. */
  #accepted(list: readonly DiscoveredServer[], refused: string[]): ServerConfig[] {
    const accepted: ServerConfig[] = [];
    for (const server of list) {
      const checked = checkServer(server);
      const reason = typeof checked === "string" ? checked : this.#forbidden(checked);
      if (reason !== undefined) refused.push(`${String(server?.address).slice(0, 100)} (${reason})`);
      else if (accepted.length < MAX_SERVERS) accepted.push(checked as ServerConfig);
      else refused.push(`${server.address} (more than ${MAX_SERVERS} servers)`);
    }
    return accepted;
  }

  /** Says what is missing from a list when that is something else than last time. */
  #report(refused: readonly string[]): void {
    const missing =
      refused.length === 0 ? "" : oneLine(`without ${refused.slice(0, 3).join(", ")}${more(refused.length - 3)}`);
    if (missing !== "") this.#lastError = { at: this.#options.deps.clock.wall(), reason: missing };
    if (missing !== "" && missing !== this.#missing) this.#log("warn", missing);
    this.#missing = missing;
  }

  /** An address that whoever writes into the DNS must not be able to have asked. */
  #forbidden(server: ServerConfig): string | undefined {
    const allowMetadata = this.#options.config.settings["allowMetadata"] === true;
    for (const text of [server.address, server.checkAddress]) {
      const parsed = text === undefined ? undefined : parseServerAddress(text);
      if (parsed === undefined || !("address" in parsed) || parsed.address.kind !== "tcp") continue;
      if (isUnusableAddress(parsed.address.host)) return "no address that a server can have";
      if (!allowMetadata && isMetadataAddress(parsed.address.host))
        return "a cloud metadata service; `allowMetadata` would take it";
    }
    return undefined;
  }

  #log(level: "info" | "warn", message: string): void {
    const { pool, config, deps } = this.#options;
    deps.log(level, `pool ${pool}, discovery ${config.type}: ${message}`);
  }
}

function more(count: number): string {
  return count > 0 ? ` and ${count} more` : "";
}

/** What comes from outside must neither break the log's lines nor fill memory. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  const clean = text.replaceAll(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ");
  return clean.length > MAX_REASON ? `${clean.slice(0, MAX_REASON - 1)}…` : clean;
}
