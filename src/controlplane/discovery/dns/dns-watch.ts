import type {
  DiscoveredServer,
  DiscoveryDeps,
  DiscoveryListener,
  DiscoveryWatch,
} from "../../../core/discovery/discovery.ts";
import { RefreshRule, type RefreshSettings } from "../../../core/discovery/refresh-rule.ts";

/** What one look-up brought. */
export interface Found {
  readonly servers: readonly DiscoveredServer[];
  /** Seconds that it holds. */
  readonly ttl: number;
  /** False when the name itself does not exist. */
  readonly exists: boolean;
  /** Why some servers are missing. */
  readonly incomplete?: string | undefined;
}

/** Looks a name up again and again, as its times to live want it, and passes on what is believed. */
export class DnsWatch implements DiscoveryWatch {
  readonly #name: string;
  readonly #lookup: (signal: AbortSignal) => Promise<Found>;
  readonly #rule: RefreshRule;
  readonly #settings: RefreshSettings;
  readonly #listener: DiscoveryListener;
  readonly #deps: Pick<DiscoveryDeps, "clock">;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #asking = false;

  /**
   * @param name for messages
   * @param lookup asks once; rejects when it cannot
   */
  constructor(
    name: string,
    lookup: (signal: AbortSignal) => Promise<Found>,
    settings: RefreshSettings,
    listener: DiscoveryListener,
    deps: Pick<DiscoveryDeps, "clock" | "random">,
  ) {
    this.#name = name;
    this.#lookup = lookup;
    this.#settings = settings;
    this.#rule = new RefreshRule(settings, deps.random);
    this.#listener = listener;
    this.#deps = deps;
    void this.#ask();
  }

  refresh(): void {
    clearTimeout(this.#timer);
    void this.#ask();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  /** One question at a time. Never rejects. */
  async #ask(): Promise<void> {
    if (this.#asking || this.#abort.signal.aborted) return;
    this.#asking = true;
    let next: number;
    try {
      const found = await this.#lookup(this.#abort.signal);
      if (this.#abort.signal.aborted) return;
      next = this.#take(found);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      next = this.#rule.failed();
      this.#listener.failed(error instanceof Error ? error.message : String(error));
    } finally {
      this.#asking = false;
    }
    this.#timer = setTimeout(() => void this.#ask(), next);
    this.#timer.unref();
  }

  #take(found: Found): number {
    const { servers, ttl, exists, incomplete } = found;
    const { believed, next } = this.#rule.answered(servers.length, ttl * 1000, this.#deps.clock.now());
    if (believed) this.#listener.servers(servers, incomplete);
    else {
      const what = exists ? "has no addresses" : "does not exist";
      this.#listener.failed(
        `${this.#name} ${what}; that is believed when it has lasted ${this.#settings.emptyAfter / 1000} s`,
      );
    }
    return next;
  }
}
