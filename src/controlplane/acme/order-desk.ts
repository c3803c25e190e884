import type { RenewalInfo } from "./authority.ts";
import { readCertificateId } from "./certificate-facts.ts";
import type { CertificatePlan } from "./certificate-plan.ts";
import type { AcmeCertificates } from "./certificate-port.ts";
import { issue, readAuthorities, type IssueDeps } from "./issue.ts";
import { MAX_ORDERS, ORDER_TIMEOUT } from "./limits.ts";
import { Turns } from "./turns.ts";

export interface OrderDeskDeps extends IssueDeps {
  readonly certificates: AcmeCertificates;
}

/** Where all orders of a node go through: so many at one time, each with an end. */
export class OrderDesk {
  readonly #deps: OrderDeskDeps;
  readonly #turns = new Turns(MAX_ORDERS);

  constructor(deps: OrderDeskDeps) {
    this.#deps = deps;
  }

  /** Orders a certificate and puts it into use. Resolves with its chain; rejects as `issue` does, or when it cannot be kept. */
  order(plan: CertificatePlan, former: string | null, signal: AbortSignal): Promise<string> {
    const { names, settings } = plan;
    const time = ORDER_TIMEOUT + settings.dnsPropagation + names.length * settings.dnsHookTimeout;
    return this.#turns.run(
      () =>
        this.#limited(time, signal, async (limit) => {
          this.#deps.log("info", `acme ${names.join(", ")}: ordering from ${new URL(settings.directory).host}`);
          const issued = await issue(plan, former === null ? null : await idOf(former), this.#deps, limit);
          await this.#deps.certificates.put(plan.id, issued);
          return issued.chain;
        }),
      signal,
    );
  }

  /** What the authority says about a certificate's renewal; null when it has no renewal information or the certificate no id. */
  async renewalInfo(plan: CertificatePlan, chain: string, signal: AbortSignal): Promise<RenewalInfo | null> {
    const { directory, ca } = plan.settings;
    const id = await idOf(chain);
    if (id === null) return null;
    const address = { directory, ca: await readAuthorities(ca) };
    return this.#turns.run(
      () => this.#limited(ORDER_TIMEOUT, signal, (limit) => this.#deps.authority.renewalInfo(address, id, limit)),
      signal,
    );
  }

  /** Work with a signal that fires when the outer one does, when the time is over, and at the end of the work. */
  async #limited<Result>(
    time: number,
    outer: AbortSignal,
    work: (limit: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const limit = new AbortController();
    const onAbort = (): void => limit.abort(outer.reason);
    outer.addEventListener("abort", onAbort, { once: true });
    if (outer.aborted) onAbort();
    const timer = setTimeout(() => limit.abort(new Error(`no result within ${Math.round(time / 60_000)} min`)), time);
    timer.unref();
    try {
      return await work(limit.signal);
    } finally {
      clearTimeout(timer);
      outer.removeEventListener("abort", onAbort);
      limit.abort(new Error("done"));
    }
  }
}

async function idOf(chain: string): Promise<string | null> {
  try {
    return await readCertificateId(chain);
  } catch {
    return null;
  }
}
