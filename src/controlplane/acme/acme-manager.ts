import { isHostName, matchesName } from "../../core/acme/names.ts";
import { OnDemandGate } from "../../core/acme/on-demand-gate.ts";
import type { Config } from "../../config/schema.ts";
import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { Log } from "../log.ts";
import { AccountFiles } from "./account-files.ts";
import type { AcmeStatus } from "./acme-status.ts";
import type { Authority } from "./authority.ts";
import type { AcmeCertificates } from "./certificate-port.ts";
import {
  acmeListeners,
  fixedPlans,
  planAgain,
  planOnDemand,
  type CertificatePlan,
  type ListenerAcme,
} from "./certificate-plan.ts";
import { ChallengeBoard } from "./challenge-board.ts";
import { callDnsHook } from "./dns-hook.ts";
import { formerCertificates, isForgotten, listenersOfFormer } from "./former-certificates.ts";
import { CLOSE_TIMEOUT, MAX_ON_DEMAND, QUIET_AFTER_LIMIT, REST_AFTER_FAILURE, REST_AFTER_REFUSAL } from "./limits.ts";
import { ManagedCertificate } from "./managed-certificate.ts";
import { OrderDesk } from "./order-desk.ts";
import type { Refusal } from "./refusal.ts";
import { readFacts } from "./certificate-facts.ts";

export interface AcmeManagerOptions {
  readonly certificates: AcmeCertificates;
  readonly authority: Authority;
  /** Folder for the keys of accounts. */
  readonly accounts: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Calls the operator's program for dns-01; tests have their own. */
  readonly hook?: typeof callDnsHook;
}

/** Certificates by ACME: those that the configuration names, and those that clients ask for. */
export class AcmeManager {
  readonly #options: AcmeManagerOptions;
  readonly #desk: OrderDesk;
  readonly #gate: OnDemandGate;
  readonly #managed = new Map<string, ManagedCertificate>();
  #listeners: readonly ListenerAcme[] = [];
  #closed = false;
  #ending: Promise<void> | undefined;
  /** What was last followed, as text. */
  #followed = "";
  /** What `show` was last told. */
  #assignment: Readonly<Record<string, readonly string[]>> = {};
  /** No line about the limit on demand before, by `clock.now()`. */
  #quietUntil = -Infinity;

  constructor(options: AcmeManagerOptions) {
    const { certificates, authority, accounts, clock, log, hook = callDnsHook } = options;
    this.#options = options;
    this.#gate = new OnDemandGate(clock);
    this.#desk = new OrderDesk({
      authority,
      certificates,
      accounts: new AccountFiles(accounts),
      board: new ChallengeBoard(certificates),
      hook,
      log,
      wall: () => clock.wall(),
    });
  }

  /**
   * Lets what is kept be shown for a configuration that is about to be used, so that its listeners have their certificates from
   * the first connection on. Resolves when the workers have it.
   */
  async prepare(config: Config, baseDir: string): Promise<void> {
    if (this.#closed) return;
    const wanted = acmeListeners(config, baseDir);
    if (JSON.stringify(wanted) === this.#followed) return;
    // Should it not be used in the end, `follow` goes back to what the one in use needs.
    this.#followed = "";
    const kept = this.#kept();
    const assignment: Record<string, readonly string[]> = { ...this.#assignment };
    for (const [id, { listeners }] of this.#plans(wanted, kept)) {
      if (kept.has(id)) assignment[id] = [...new Set([...(assignment[id] ?? []), ...listeners])];
    }
    await this.#show(assignment);
  }

  /**
   * Works for this configuration from now on. What it wants as before goes on undisturbed.
   *
   * @param baseDir folder that paths are relative to
   */
  follow(config: Config, baseDir: string): void {
    if (this.#closed) return;
    const listeners = acmeListeners(config, baseDir);
    const text = JSON.stringify(listeners);
    if (text === this.#followed) return;
    this.#followed = text;
    this.#listeners = listeners;
    const kept = this.#kept();
    const wanted = this.#plans(listeners, kept);
    for (const [id, managed] of this.#managed) {
      if (wanted.has(id)) continue;
      this.#managed.delete(id);
      void managed.close();
    }
    for (const [id, plan] of wanted) {
      const managed = this.#managed.get(id);
      if (managed === undefined) this.#manage(plan, kept.get(id) ?? null);
      else managed.update(plan);
    }
    this.#forget();
    this.#assign();
  }

  /** A client asked a listener for a name for which there is no certificate. May be called often, with anything. */
  wanted(listener: string, text: string): void {
    const name = text.toLowerCase();
    const asked = this.#listeners.find((other) => other.listener === listener);
    if (this.#closed || asked === undefined || !isHostName(name)) return;
    const { settings } = asked;
    if (settings.domains.some((pattern) => matchesName(pattern, name))) return;
    const plan = planOnDemand(name, asked, this.#listeners);
    if (this.#managed.has(plan.id) || this.#count() >= MAX_ON_DEMAND) return;
    const decision = this.#gate.request(name, { patterns: settings.onDemand, limit: settings.onDemandLimit });
    if (decision === "limited") this.#limited(name, settings.onDemandLimit);
    if (decision !== "order") return;
    this.#manage(plan, null);
    this.#assign();
  }

  /** All certificates and how they are doing. */
  status(): readonly AcmeStatus[] {
    return [...this.#managed.values()].map((managed) => managed.status());
  }

  /** Ends everything. Resolves when orders under way have been given up and their challenges removed, or after a while. */
  close(): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  async #end(): Promise<void> {
    this.#closed = true;
    const ends = Promise.all([...this.#managed.values()].map((managed) => managed.close()));
    this.#managed.clear();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT)));
    await Promise.race([ends, late]);
    clearTimeout(timer);
    this.#options.authority.close();
  }

  #kept(): Map<string, string> {
    return new Map(this.#options.certificates.list().map(({ id, chain }) => [id, chain]));
  }

  /** All certificates that these listeners want, by id: those that are named, and those that came on demand before. */
  #plans(listeners: readonly ListenerAcme[], kept: ReadonlyMap<string, string>): Map<string, CertificatePlan> {
    const plans = fixedPlans(listeners);
    for (const { id, names } of this.#onDemandBefore(kept)) {
      const plan = plans.has(id) ? undefined : planAgain(id, names, listeners);
      if (plan !== undefined) plans.set(id, plan);
    }
    return plans;
  }

  /** Says that the limit is reached, but not all the time. */
  #limited(name: string, limit: number): void {
    const now = this.#options.clock.now();
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + QUIET_AFTER_LIMIT;
    this.#options.log("warn", `acme ${name} (on demand): not ordered: there were ${limit} orders in the last hour`);
  }

  /** Certificates that came on demand: those that are managed, and those that are kept and may have been. */
  #onDemandBefore(kept: ReadonlyMap<string, string>): { id: string; names: readonly string[] }[] {
    const running = [...this.#managed.values()].map(({ plan }) => plan).filter(({ onDemand }) => onDemand);
    const stored = [...kept].flatMap(([id, chain]) => {
      try {
        const { names, notAfter } = readFacts(chain);
        return notAfter > this.#options.clock.wall() ? [{ id, names }] : [];
      } catch {
        return [];
      }
    });
    return [...running, ...stored].slice(0, MAX_ON_DEMAND);
  }

  #manage(plan: CertificatePlan, chain: string | null): void {
    const { clock, random, log } = this.#options;
    const managed = new ManagedCertificate(plan, chain, {
      clock,
      random,
      log,
      order: (...order) => this.#desk.order(...order),
      renewalInfo: (...question) => this.#desk.renewalInfo(...question),
      renewed: () => this.#assign(),
      givenUp: (...failure) => this.#givenUp(...failure),
    });
    this.#managed.set(plan.id, managed);
  }

  #count(): number {
    let count = 0;
    for (const { plan } of this.#managed.values()) if (plan.onDemand) count++;
    return count;
  }

  #givenUp({ id, names }: CertificatePlan, { kind, reason }: Refusal, delay: number): void {
    const rest = Math.max(delay, kind === "unreachable" ? REST_AFTER_FAILURE : REST_AFTER_REFUSAL);
    for (const name of names) this.#gate.failed(name, rest);
    const minutes = Math.ceil(rest / 60_000);
    this.#options.log("warn", `acme ${names.join(", ")} (on demand): ${reason}; not ordered for ${minutes} min`);
    const managed = this.#managed.get(id);
    this.#managed.delete(id);
    void managed?.close();
    this.#assign();
  }

  /** Tells who shows what. */
  #assign(): void {
    if (this.#closed) return;
    const { certificates, clock } = this.#options;
    const plans = new Map([...this.#managed].map(([id, { plan }]) => [id, plan]));
    const waiting = [...this.#managed.values()].flatMap((managed) => (managed.usable ? [] : [managed.plan]));
    const former = formerCertificates(certificates.list(), plans).map(
      (certificate) => [certificate.id, listenersOfFormer(certificate, waiting, clock.wall())] as const,
    );
    const current = [...plans.values()].map(({ id, listeners }) => [id, listeners] as const);
    const assignment = Object.fromEntries([...current, ...former.filter(([, listeners]) => listeners.length > 0)]);
    void this.#show(assignment);
  }

  async #show(assignment: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const { certificates, log } = this.#options;
    if (JSON.stringify(assignment) === JSON.stringify(this.#assignment)) return;
    this.#assignment = assignment;
    try {
      await certificates.show(assignment);
    } catch (error) {
      this.#assignment = {};
      log("error", `acme: the certificates could not be shown: ${(error as Error).message}`);
    }
  }

  /** Removes what has been of no use for long. */
  #forget(): void {
    const { certificates, clock, log } = this.#options;
    const plans = new Map([...this.#managed].map(([id, { plan }]) => [id, plan]));
    for (const former of formerCertificates(certificates.list(), plans)) {
      if (!isForgotten(former, clock.wall())) continue;
      certificates.remove(former.id).catch((error: unknown) => {
        log("warn", `acme: ${former.id} could not be removed: ${(error as Error).message}`);
      });
    }
  }
}
