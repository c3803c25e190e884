import type { InspectedPair } from "../../../config/certificates/inspect-pair.ts";
import type { Clock } from "../../../core/clock.ts";
import type { Log } from "../../log.ts";
import { certificateIds, ocspRequest } from "./cert-id.ts";
import type { OcspFetch } from "./ocsp-fetch.ts";
import { checkResponse, type GoodResponse } from "./ocsp-response.ts";
import { responderUrl } from "./responder-url.ts";

/** Requests to responders at one time. */
const MAX_CONCURRENT = 4;
/** After a failure the next request waits so long, twice as long after each further one, in ms. */
const FIRST_RETRY = 60_000;
const LONGEST_RETRY = 3_600_000;
/** A good response is not asked for anew before, in ms. */
const SHORTEST_REFRESH = 60_000;

/** A certificate for which a response is wanted. */
export interface Stapled {
  readonly id: string;
  readonly pair: InspectedPair;
  /** Content of the file that the configuration names; null when the responder is to be asked. */
  readonly file: Buffer | null;
}

/** How it stands with the response of a certificate. */
export interface OcspState {
  /** good: it is shown; waiting: there is none yet; failed: there is none, see `error`. */
  readonly state: "good" | "waiting" | "failed";
  /** ms since 1970; null without a good response. */
  readonly until: number | null;
  /** What went wrong the last time; null when nothing did. */
  readonly error: string | null;
}

interface Staple {
  stapled: Stapled;
  good: GoodResponse | undefined;
  error: string | null;
  /** When the responder is asked next, ms since 1970; Infinity: never. */
  due: number;
  failures: number;
  asking: boolean;
}

export interface OcspStaplesOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: OcspFetch;
  /** There is another response for a certificate, or none any more. */
  changed(): void;
}

/** Keeps an OCSP response ready for each certificate that names a responder or has a file with one. */
export class OcspStaples {
  readonly #options: OcspStaplesOptions;
  /** By fingerprint of the certificate. */
  readonly #staples = new Map<string, Staple>();
  #asking = 0;
  #closed = false;

  constructor(options: OcspStaplesOptions) {
    this.#options = options;
  }

  /** These are wanted from now on; those that stay keep their responses. */
  follow(all: readonly Stapled[]): void {
    const wanted = new Map<string, Stapled>();
    for (const stapled of all) {
      const key = stapled.pair.leaf.fingerprint256;
      // The same certificate may be there with a file and without one.
      if (stapled.file !== null || !wanted.has(key)) wanted.set(key, stapled);
    }
    for (const [key, stapled] of wanted) {
      const before = this.#staples.get(key);
      if (before !== undefined && sameFile(before.stapled.file, stapled.file)) {
        before.stapled = stapled;
        continue;
      }
      const staple: Staple = { stapled, good: undefined, error: null, due: Infinity, failures: 0, asking: false };
      if (stapled.file !== null) this.#use(staple, stapled.file, true);
      else if (stapled.pair.issuer !== undefined && responderUrl(stapled.pair.leaf) !== undefined) staple.due = 0;
      else continue;
      this.#staples.set(key, staple);
    }
    for (const key of this.#staples.keys()) if (!wanted.has(key)) this.#staples.delete(key);
    this.#askDue();
  }

  /** The response to show with a certificate, DER; null when there is none that is good at this moment. */
  response(pair: InspectedPair): Uint8Array | null {
    const good = this.#staples.get(pair.leaf.fingerprint256)?.good;
    return good === undefined || good.until <= this.#options.clock.wall() ? null : good.der;
  }

  /** Undefined for a certificate that has neither a responder nor a file. */
  state(pair: InspectedPair): OcspState | undefined {
    const staple = this.#staples.get(pair.leaf.fingerprint256);
    if (staple === undefined) return undefined;
    const isGood = this.response(pair) !== null;
    return {
      state: isGood ? "good" : staple.error === null ? "waiting" : "failed",
      until: isGood ? staple.good!.until : null,
      error: staple.error,
    };
  }

  /** Asks responders when it is time, and gives up responses that are too old. To be called every second or so. */
  tick(): void {
    const now = this.#options.clock.wall();
    for (const staple of this.#staples.values()) {
      if (staple.good === undefined || staple.good.until > now) continue;
      staple.good = undefined;
      staple.error ??= "the last response has expired";
      this.#options.changed();
    }
    this.#askDue();
  }

  close(): void {
    this.#closed = true;
    this.#staples.clear();
  }

  #askDue(): void {
    const now = this.#options.clock.wall();
    for (const staple of this.#staples.values()) {
      if (this.#asking >= MAX_CONCURRENT) return;
      if (staple.due <= now && !staple.asking) void this.#ask(staple);
    }
  }

  async #ask(staple: Staple): Promise<void> {
    const { leaf, issuer } = staple.stapled.pair;
    staple.asking = true;
    this.#asking++;
    try {
      const request = ocspRequest(certificateIds(leaf, issuer!));
      const der = await this.#options.fetch(responderUrl(leaf)!, request);
      if (this.#staples.get(leaf.fingerprint256) === staple) this.#use(staple, der, false);
    } catch (error) {
      this.#failed(staple, (error as Error).message);
    } finally {
      staple.asking = false;
      this.#asking--;
    }
    if (!this.#closed) this.#askDue();
  }

  #use(staple: Staple, der: Buffer, fromFile: boolean): void {
    const { clock, changed } = this.#options;
    const { leaf, issuer } = staple.stapled.pair;
    const now = clock.wall();
    try {
      if (issuer === undefined)
        throw new Error("the file with the certificate does not have its issuer's, to check it");
      staple.good = checkResponse(der, leaf, issuer, now);
    } catch (error) {
      this.#failed(staple, (error as Error).message);
      return;
    }
    staple.error = null;
    staple.failures = 0;
    const { thisUpdate, until } = staple.good;
    // What a file holds is known to whoever has just called `follow`.
    if (fromFile) return;
    staple.due = Math.max(now + SHORTEST_REFRESH, (thisUpdate + until) / 2);
    changed();
  }

  /** What was good before stays until its time is over. */
  #failed(staple: Staple, reason: string): void {
    const { clock, log } = this.#options;
    const { id, file } = staple.stapled;
    if (file === null) {
      staple.due = clock.wall() + Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** staple.failures);
      staple.failures++;
    }
    // The same reason is said once.
    if (staple.error !== reason) log("warn", `certificate ${id}: no OCSP response to show: ${reason}`);
    staple.error = reason;
  }
}

function sameFile(one: Buffer | null, other: Buffer | null): boolean {
  return one === null || other === null ? one === other : one.equals(other);
}
