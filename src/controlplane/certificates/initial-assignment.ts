import { covers } from "../../config/certificates/names.ts";
import type { Config } from "../../config/schema.ts";
import type { StoredCertificate } from "./stored-certificates.ts";

/**
 * Which listeners show the certificates of an earlier run that came by ACME, until ACME itself says so: those that order
 * for one of its names. A listener is to have its certificate from its first connection on.
 */
export function initialAssignment(
  config: Config,
  stored: readonly StoredCertificate[],
): Record<string, readonly string[]> {
  const assignment: Record<string, readonly string[]> = {};
  for (const { id, pair } of stored) {
    if (!id.startsWith("acme:")) continue;
    const listeners = Object.entries(config.listeners).flatMap(([listener, { tls }]) => {
      const { domains = [], onDemand = [] } = tls?.acme ?? {};
      const patterns = [...domains, ...onDemand].map((pattern) => pattern.toLowerCase());
      return pair.names.some((name) => patterns.some((pattern) => covers(pattern, name))) ? [listener] : [];
    });
    if (listeners.length > 0) assignment[id] = listeners;
  }
  return assignment;
}
