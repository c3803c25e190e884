import { RenewalPlan } from "../../core/acme/renewal-plan.ts";
import { retryDelay } from "../../core/acme/retry-delay.ts";
import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { Log } from "../log.ts";
import type { AcmeStatus } from "./acme-status.ts";
import type { RenewalInfo } from "./authority.ts";
import { readFacts, type CertificateFacts } from "./certificate-facts.ts";
import type { CertificatePlan } from "./certificate-plan.ts";
import { LONGEST_SLEEP, REST_AFTER_ORDER } from "./limits.ts";
import { refusalOf, type Refusal } from "./refusal.ts";

export interface ManagedDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** One order, and its result in use; resolves with the chain. `replaces` is the chain that it follows. */
  order(plan: CertificatePlan, replaces: string | null, signal: AbortSignal): Promise<string>;
  /** What the authority says about the chain's renewal; null when it has nothing to say. */
  renewalInfo(plan: CertificatePlan, chain: string, signal: AbortSignal): Promise<RenewalInfo | null>;
  /** There is a new certificate. */
  renewed(): void;
  /** A certificate on demand that there never was, or no longer is: its order failed. */
  givenUp(plan: CertificatePlan, refusal: Refusal, delay: number): void;
}

/** A certificate in use, and when it is renewed. */
interface Current {
  readonly chain: string;
  readonly facts: CertificateFacts;
  readonly renewal: RenewalPlan;
  explanation: string | null;
  /** When the authority is asked about it again, by `clock.now()`. */
  recheckAt: number;
}

/**
 * Sees to it that there is a certificate: orders it, renews it in time, and tries again for as long as that fails. One order
 * at a time.
 */
export class ManagedCertificate {
  readonly #deps: ManagedDeps;
  readonly #end = new AbortController();
  #plan: CertificatePlan;
  #current: Current | null = null;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #ordering = false;
  #failures = 0;
  #lastError: { at: number; reason: string } | null = null;
  /** No order before, by `clock.now()`. */
  #notBefore = -Infinity;

  /** @param chain what is kept from before; null for nothing */
  constructor(plan: CertificatePlan, chain: string | null, deps: ManagedDeps) {
    this.#plan = plan;
    this.#deps = deps;
    if (chain !== null) this.#use(chain);
    this.#schedule();
  }

  get plan(): CertificatePlan {
    return this.#plan;
  }

  /** True when there is one that is good. */
  get usable(): boolean {
    return this.#current !== null && this.#current.facts.notAfter > this.#deps.clock.wall();
  }

  /** Other settings for the same certificate. What failed by the old ones is tried at once. */
  update(plan: CertificatePlan): void {
    const changed = JSON.stringify(plan.settings) !== JSON.stringify(this.#plan.settings);
    this.#plan = changed ? plan : { ...plan, settings: this.#plan.settings };
    if (!changed || this.#end.signal.aborted) return;
    this.#notBefore = -Infinity;
    if (this.#current !== null) this.#use(this.#current.chain);
    this.#schedule();
  }

  /** Ends it; an order that is under way is given up. Resolves when nothing of it goes on. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#end.abort(new Error("given up"));
    await this.#working;
  }

  status(): AcmeStatus {
    const { clock } = this.#deps;
    const { id, names, listeners, settings, onDemand } = this.#plan;
    const { facts, renewal, explanation } = this.#current ?? {};
    return {
      id,
      names,
      listeners,
      directory: settings.directory,
      challenge: settings.challenge,
      onDemand,
      state: facts === undefined ? "missing" : this.usable ? "valid" : "expired",
      ordering: this.#ordering,
      notBefore: facts?.notBefore ?? null,
      notAfter: facts?.notAfter ?? null,
      renewal: renewal === undefined ? null : { at: renewal.at, by: renewal.by, explanation: explanation ?? null },
      nextAttempt: Math.round(clock.wall() + Math.max(0, this.#orderIn())),
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  /** ms until the next order; negative when it is overdue. */
  #orderIn(): number {
    const { clock } = this.#deps;
    const due = this.#current === null ? 0 : this.#current.renewal.at - clock.wall();
    return Math.max(due, this.#notBefore - clock.now());
  }

  #use(chain: string): void {
    const { clock, random, log } = this.#deps;
    try {
      const facts = readFacts(chain);
      const renewal = new RenewalPlan(facts, this.#plan.settings.renewBefore, random);
      this.#current = { chain, facts, renewal, explanation: null, recheckAt: clock.now() };
    } catch (error) {
      this.#current = null;
      log("error", `acme ${this.#name}: the certificate that was kept cannot be read: ${(error as Error).message}`);
    }
  }

  get #name(): string {
    const { names } = this.#plan;
    return names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#end.signal.aborted || this.#working !== undefined) return;
    const recheckIn = (this.#current?.recheckAt ?? Infinity) - this.#deps.clock.now();
    const delay = Math.max(0, Math.min(this.#orderIn(), recheckIn, LONGEST_SLEEP));
    this.#timer = setTimeout(() => this.#work(), delay);
    this.#timer.unref();
  }

  #work(): void {
    const work = async (): Promise<void> => {
      if (this.#current !== null && this.#current.recheckAt <= this.#deps.clock.now())
        await this.#recheck(this.#current);
      if (!this.#end.signal.aborted && this.#orderIn() <= 0) await this.#order();
    };
    this.#working = work().finally(() => {
      this.#working = undefined;
      this.#schedule();
    });
  }

  async #recheck(current: Current): Promise<void> {
    const { clock, log } = this.#deps;
    const { renewal } = current;
    let wait: number;
    try {
      const info = await this.#deps.renewalInfo(this.#plan, current.chain, this.#end.signal);
      const before = renewal.at;
      wait = info === null ? renewal.unsupported() : renewal.suggested(info, info.retryAfter);
      current.explanation = info?.explanation ?? null;
      if (renewal.at !== before) {
        const why = current.explanation === null ? "" : ` (${current.explanation})`;
        log("info", `acme ${this.#name}: the authority suggests renewal at ${time(renewal.at)}${why}`);
      }
    } catch (error) {
      if (this.#end.signal.aborted) return;
      wait = renewal.failed();
      log("warn", `acme ${this.#name}: no renewal information: ${refusalOf(error).reason}`);
    }
    current.recheckAt = clock.now() + wait;
  }

  async #order(): Promise<void> {
    const { log } = this.#deps;
    const plan = this.#plan;
    this.#ordering = true;
    try {
      this.#use(await this.#deps.order(plan, this.#current?.chain ?? null, this.#end.signal));
      this.#failures = 0;
      this.#lastError = null;
      const { facts, renewal } = this.#current!;
      this.#notBefore = this.#deps.clock.now() + Math.min(REST_AFTER_ORDER, this.#lifetime() / 10);
      const times = `good until ${time(facts.notAfter)}, renewal at ${time(renewal.at)}`;
      log("info", `acme ${this.#name}: new certificate, ${times}`);
      this.#deps.renewed();
    } catch (error) {
      if (!this.#end.signal.aborted) this.#failed(plan, refusalOf(error));
    } finally {
      this.#ordering = false;
    }
  }

  #failed(plan: CertificatePlan, refusal: Refusal): void {
    const { clock, random, log } = this.#deps;
    const { kind, reason, retryAfter } = refusal;
    this.#failures++;
    this.#lastError = { at: clock.wall(), reason };
    const left = Math.max(0, (this.#current?.facts.notAfter ?? 0) - clock.wall());
    const delay = retryDelay({ kind, failures: this.#failures, retryAfter, left }, random);
    // With other settings meanwhile, it is tried again at once.
    if (plan.settings === this.#plan.settings) this.#notBefore = clock.now() + delay;
    if (plan.onDemand && left === 0) {
      this.#deps.givenUp(plan, refusal, delay);
      return;
    }
    const state = this.#current === null ? "there is no certificate yet" : this.#remaining(left);
    const level = this.#current !== null && left < (1 / 10) * this.#lifetime() ? "error" : "warn";
    log(level, `acme ${this.#name}: ${reason}; next attempt at ${time(clock.wall() + delay)}; ${state}`);
  }

  #remaining(left: number): string {
    const { notAfter } = this.#current!.facts;
    return left === 0
      ? `the certificate has ended at ${time(notAfter)}`
      : `the certificate is good until ${time(notAfter)}`;
  }

  #lifetime(): number {
    const { notBefore, notAfter } = this.#current!.facts;
    return notAfter - notBefore;
  }
}

/** As people and programs read it: 2026-11-21T20:57:00Z. */
function time(wall: number): string {
  return new Date(wall).toISOString().replace(/\.\d+Z$/, "Z");
}
