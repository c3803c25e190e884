import type { InspectedPair } from "../../config/certificates/inspect-pair.ts";
import type { TlsNeeds } from "../../config/certificates/tls-needs.ts";
import { expiryLevel } from "./expiry.ts";
import { fileId } from "./assemble.ts";
import type { FileSources } from "./file-sources.ts";
import type { StoredCertificate } from "./stored-certificates.ts";

/** Where a certificate comes from. */
export type CertificateSource = "file" | "rest" | "acme";

/** A certificate of the node with all that is known about it. Has the key: never to be shown as a whole. */
export interface CertificateEntry {
  readonly id: string;
  readonly source: CertificateSource;
  readonly pair: InspectedPair;
  /** Listeners that show it. */
  readonly listeners: readonly string[];
  readonly warnings: readonly string[];
  /** Why its files cannot be used as they are now; what was read before is still shown. */
  readonly errors: readonly string[];
}

export type CertificateStatus = "ok" | "expiring" | "expired" | "invalid";

/** How a certificate is doing, and why it is not ok. `now` is ms since 1970. */
export function statusOf(
  { pair, errors }: Pick<CertificateEntry, "pair" | "errors">,
  now: number,
): { readonly status: CertificateStatus; readonly reason: string | null } {
  const level = expiryLevel(pair, now);
  if (level === 0) return { status: "expired", reason: `it expired at ${iso(pair.notAfter)}` };
  if (errors.length > 0) {
    return { status: "invalid", reason: `${errors.join("; ")}; what was read before is still shown` };
  }
  if (now < pair.notBefore) return { status: "invalid", reason: `it is not valid before ${iso(pair.notBefore)}` };
  if (level !== undefined) return { status: "expiring", reason: `it expires at ${iso(pair.notAfter)}` };
  return { status: "ok", reason: null };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** All certificates for clients: those of files in the order of the configuration, then those of the store. */
export function certificateEntries(
  needs: TlsNeeds,
  files: FileSources,
  stored: readonly StoredCertificate[],
  acmeListeners: Readonly<Record<string, readonly string[]>>,
): CertificateEntry[] {
  const found = new Map<string, CertificateEntry & { readonly listeners: string[] }>();
  for (const { listener, certificates } of needs.listeners) {
    for (const need of certificates) {
      const id = fileId(need);
      const entry = found.get(id);
      if (entry !== undefined) {
        if (!entry.listeners.includes(listener)) entry.listeners.push(listener);
        continue;
      }
      const source = files.pairSource(need);
      if (source?.value === undefined) continue;
      const { value, warnings, errors } = source;
      found.set(id, {
        id,
        source: "file",
        pair: value.pair,
        listeners: [listener],
        warnings: warnings.map(({ message }) => message),
        errors: errors.map(({ message }) => message),
      });
    }
  }
  const all = needs.listeners.map(({ listener }) => listener);
  for (const { id, pair, warnings } of stored) {
    const source = id.startsWith("rest:") ? "rest" : "acme";
    const listeners = source === "rest" ? all : [...(acmeListeners[id] ?? [])];
    found.set(id, { id, source, pair, listeners, warnings, errors: [] });
  }
  return [...found.values()];
}
