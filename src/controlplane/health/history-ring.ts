import type { CheckResult } from "../../core/health/health-state.ts";
import type { HistoryRecord } from "./history-store.ts";
import { HISTORY_PER_SERVER } from "./limits.ts";

const outcomes = ["healthy", "degraded", "unhealthy"] as const;

/** The last results of one server, of all its checks, in about 2 KiB. */
export class HistoryRing {
  readonly #at = new Float64Array(HISTORY_PER_SERVER);
  readonly #latency = new Float32Array(HISTORY_PER_SERVER);
  readonly #outcome = new Uint8Array(HISTORY_PER_SERVER);
  readonly #check: string[] = [];
  readonly #reason: (string | undefined)[] = [];
  #written = 0;

  add(check: string, result: CheckResult): void {
    const place = this.#written++ % HISTORY_PER_SERVER;
    this.#at[place] = result.at;
    this.#latency[place] = result.latency;
    this.#outcome[place] = outcomes.indexOf(result.outcome);
    this.#check[place] = check;
    // A server that is down says the same each time: one text is kept for all of its results.
    const before = this.#reason[(place + HISTORY_PER_SERVER - 1) % HISTORY_PER_SERVER];
    this.#reason[place] = before === result.reason ? before : result.reason;
  }

  /** The results as records, the oldest first. */
  records(pool: string, server: string): HistoryRecord[] {
    const count = Math.min(this.#written, HISTORY_PER_SERVER);
    return Array.from({ length: count }, (_, i) => {
      const place = (this.#written - count + i) % HISTORY_PER_SERVER;
      return {
        pool,
        server,
        check: this.#check[place]!,
        at: this.#at[place]!,
        outcome: outcomes[this.#outcome[place]!]!,
        latency: Math.round(this.#latency[place]! * 1000) / 1000,
        reason: this.#reason[place],
      };
    });
  }
}
