import type { AcmeCertificate } from "./certificate-port.ts";
import { readFacts, type CertificateFacts } from "./certificate-facts.ts";
import type { CertificatePlan } from "./certificate-plan.ts";
import { KEEP_AFTER_END } from "./limits.ts";

/** A certificate that is kept and that nothing in the configuration wants as it is. */
export interface FormerCertificate {
  readonly id: string;
  /** Null when it cannot be read. */
  readonly facts: CertificateFacts | null;
}

/** Those of the kept certificates that no plan has. */
export function formerCertificates(
  kept: readonly AcmeCertificate[],
  plans: ReadonlyMap<string, CertificatePlan>,
): FormerCertificate[] {
  return kept.flatMap(({ id, chain }) => (plans.has(id) ? [] : [{ id, facts: factsOf(chain) }]));
}

function factsOf(chain: string): CertificateFacts | null {
  try {
    return readFacts(chain);
  } catch {
    return null;
  }
}

/**
 * Who shows a former certificate: listeners that still wait for the one that takes its place, as after a change of their names.
 *
 * @param waiting plans without a usable certificate
 * @param now ms since 1970-01-01 UTC
 */
export function listenersOfFormer(
  { facts }: FormerCertificate,
  waiting: readonly CertificatePlan[],
  now: number,
): string[] {
  if (facts === null || facts.notAfter <= now) return [];
  const successors = waiting.filter(({ names }) => names.some((name) => facts.names.includes(name)));
  return [...new Set(successors.flatMap(({ listeners }) => listeners))];
}

/** True when it is of no more use, even if its configuration comes back. */
export function isForgotten({ facts }: FormerCertificate, now: number): boolean {
  return facts !== null && facts.notAfter + KEEP_AFTER_END <= now;
}
