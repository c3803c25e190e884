import { isDeepStrictEqual } from "node:util";
import { parseServerAddress, type Address } from "../../config/address.ts";
import type { HealthCheckConfig } from "../../config/pool-parts-schema.ts";
import type { ServerConfig } from "../../config/schema.ts";
import { serverId } from "../../config/slots.ts";
import { unknownHealth, worstState, type CheckHealth, type CheckState } from "../../core/health/health-state.ts";
import type { ProbeResult, ProbeTarget } from "../../core/health/probe.ts";
import type { Due } from "./due-heap.ts";
import { HistoryRing } from "./history-ring.ts";

/** One of the checks of one server, with what it has found out. */
export class Check implements Due {
  due = 0;
  place = -1;
  readonly server: CheckedServer;
  readonly config: HealthCheckConfig;
  readonly target: ProbeTarget;
  health: CheckHealth = unknownHealth;
  /** What the latest result said besides: findings for people. */
  details: ProbeResult["details"];
  /** True while the check that ran last found nobody at all at the server's own address. */
  nobodyThere = false;
  /** When the latest run began, by `Clock.now()`; −Infinity before the first. */
  startedAt = -Infinity;
  /** There while a run is under way. */
  running: AbortController | undefined;
  /** Asked for again while it was running. */
  again = false;
  /** Whether it has its own place within the interval, so that thousands do not come at once. */
  spread = false;
  removed = false;
  /** The run before this one was not counted, because this thread stood still meanwhile. */
  excused = false;

  constructor(server: CheckedServer, config: HealthCheckConfig, target: ProbeTarget) {
    this.server = server;
    this.config = config;
    this.target = target;
  }

  /** Whether it asks the address that gets the traffic. */
  get asksServer(): boolean {
    return isDeepStrictEqual(this.target.address, this.server.address);
  }
}

/** A server that is checked, as long as its slot and address stay. */
export class CheckedServer {
  readonly pool: string;
  readonly id: string;
  readonly slot: number;
  readonly address: Address;
  readonly addressText: string;
  readonly checkAddress: string | undefined;
  readonly checks: Check[];
  readonly history: HistoryRing;
  readonly #key: string;

  /**
   * @param before the same server under an earlier configuration: checks that are the same keep what they know
   */
  constructor(
    pool: string,
    server: ServerConfig,
    slot: number,
    configs: readonly HealthCheckConfig[],
    before?: CheckedServer,
  ) {
    this.pool = pool;
    this.id = serverId(server);
    this.slot = slot;
    this.addressText = server.address;
    this.checkAddress = server.checkAddress;
    this.address = parsed(server.address);
    this.#key = checksKey(configs);
    this.history = before?.history ?? new HistoryRing();
    this.checks = configs.map((config) => {
      const check = new Check(this, config, this.#target(config));
      const same = before?.checks.find(
        (old) => isDeepStrictEqual(old.config, config) && isDeepStrictEqual(old.target, check.target),
      );
      if (same !== undefined) {
        const { health, details, nobodyThere, startedAt, spread } = same;
        Object.assign(check, { health, details, nobodyThere, startedAt, spread, due: same.due });
      }
      return check;
    });
  }

  /** By its checks together. */
  get state(): CheckState {
    return worstState(this.checks.map(({ health }) => health.state));
  }

  /** The check that speaks most against the server. */
  get worst(): Check | undefined {
    const { state } = this;
    return this.checks.find(({ health }) => health.state === state);
  }

  /** True when this is the same server: what was found out about it goes on to hold. */
  isSame(pool: string, server: ServerConfig): boolean {
    return this.pool === pool && this.id === serverId(server) && this.addressText === server.address;
  }

  /** True when nothing about this server or its checks differs; `key` is the `checksKey` of the latter. */
  isUnchanged(pool: string, server: ServerConfig, key: string): boolean {
    return this.isSame(pool, server) && this.checkAddress === server.checkAddress && this.#key === key;
  }

  /** The server's own `checkAddress` goes before that of the check; `port` only replaces that of the server's address. */
  #target({ address, port }: HealthCheckConfig): ProbeTarget {
    const given = this.checkAddress ?? address;
    const base = given === undefined ? this.address : parsed(given);
    const moved = given === undefined && port !== undefined && base.kind === "tcp" ? { ...base, port } : base;
    return { address: moved, server: this.id, pool: this.pool };
  }
}

/** A text that is the same for the same checks: thousands of servers of a pool are compared by it at once. */
export function checksKey(configs: readonly HealthCheckConfig[]): string {
  return JSON.stringify(configs);
}

/** Addresses were checked with the configuration. */
function parsed(text: string): Address {
  const result = parseServerAddress(text);
  if ("reason" in result) throw new Error(`${text}: ${result.reason}`);
  return result.address;
}
