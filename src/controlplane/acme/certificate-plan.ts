import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { matchesName, withoutWildcard } from "../../core/acme/names.ts";
import type { Config } from "../../config/schema.ts";
import type { AcmeConfig } from "../../config/tls-schema.ts";

/** One certificate that is wanted: for which names, from whom, and who shows it. */
export interface CertificatePlan {
  /** `acme:` and a name that follows from the names, the authority and the kind of key. */
  readonly id: string;
  readonly names: readonly string[];
  /** Of the first listener that wants it; its `ca` are absolute paths. */
  readonly settings: AcmeConfig;
  readonly listeners: readonly string[];
  /** True when it came to be because a client asked for its name. */
  readonly onDemand: boolean;
}

/** A listener's ACME settings, with absolute paths. */
export interface ListenerAcme {
  readonly listener: string;
  readonly settings: AcmeConfig;
}

/** All listeners with ACME. */
export function acmeListeners(config: Config, baseDir: string): ListenerAcme[] {
  return Object.entries(config.listeners).flatMap(([listener, { tls }]) => {
    if (tls?.acme === undefined) return [];
    const { domains, ca, ...rest } = tls.acme;
    const settings = {
      ...rest,
      domains: domains.map((name) => name.toLowerCase()),
      onDemand: rest.onDemand.map((name) => name.toLowerCase()),
      ca: ca.map((path) => resolve(baseDir, path)),
    };
    return [{ listener, settings }];
  });
}

/**
 * The id of a certificate. It changes with what makes another certificate, so that the old one is shown until there is the new
 * one; listeners that want the same share it, because authorities limit how often the same set of names is ordered.
 */
export function planId(names: readonly string[], { directory, keyType }: AcmeConfig): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([directory, keyType, names.toSorted()]))
    .digest("hex");
  const [name] = names.map(withoutWildcard).toSorted();
  return `acme:${name}~${hash.slice(0, 8)}`;
}

/** The certificates that a configuration names, by id. */
export function fixedPlans(listeners: readonly ListenerAcme[]): Map<string, CertificatePlan> {
  const plans = new Map<string, CertificatePlan>();
  for (const { listener, settings } of listeners) {
    const names = [...new Set(settings.domains)];
    if (names.length === 0) continue;
    const id = planId(names, settings);
    const known = plans.get(id);
    if (known === undefined) plans.set(id, { id, names, settings, listeners: [listener], onDemand: false });
    else plans.set(id, { ...known, listeners: [...known.listeners, listener] });
  }
  return plans;
}

/** The certificate for one name that a client asked a listener for; other listeners that would give it show it as well. */
export function planOnDemand(name: string, asked: ListenerAcme, listeners: readonly ListenerAcme[]): CertificatePlan {
  const id = planId([name], asked.settings);
  const sharing = listeners.filter(({ settings }) => allows(settings, name) && planId([name], settings) === id);
  const names = sharing.map(({ listener }) => listener);
  return { id, names: [name], settings: asked.settings, listeners: names, onDemand: true };
}

/** The plan on demand that a certificate with this id and these names came from, if a listener still has it. */
export function planAgain(
  id: string,
  [name, ...others]: readonly string[],
  listeners: readonly ListenerAcme[],
): CertificatePlan | undefined {
  if (name === undefined || others.length > 0) return undefined;
  const candidates = listeners.filter(({ settings }) => allows(settings, name));
  return candidates.map((asked) => planOnDemand(name, asked, listeners)).find((plan) => plan.id === id);
}

function allows({ onDemand }: AcmeConfig, name: string): boolean {
  return onDemand.some((pattern) => matchesName(pattern, name));
}
