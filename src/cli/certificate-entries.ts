import { askAdmin } from "./admin-client.ts";

/** The parts of an entry of `/api/v2/certificates` that are shown. */
export interface CertificateEntry {
  readonly id: string;
  readonly names: readonly string[];
  readonly keyType: string;
  readonly notAfter: string;
  readonly listeners: readonly string[];
  readonly status: string;
  readonly reason: string | null;
  readonly warnings: readonly string[];
}

/** The parts of an entry of `/api/v2/acme` that are shown. */
interface AcmeEntry {
  readonly id: string;
  readonly names: readonly string[];
  readonly listeners: readonly string[];
  readonly nextAttempt: string | null;
  readonly ordering: boolean;
  readonly lastError: { readonly reason: string } | null;
}

/** What is shown of one certificate, or of one that ACME has not got yet: texts, "-" for what is not known. */
export interface CertificateLine {
  readonly id: string;
  readonly names: readonly string[];
  readonly keyType: string;
  /** A date. */
  readonly until: string;
  readonly listeners: readonly string[];
  /** `missing` besides those of the REST interface. */
  readonly status: string;
  /** Why the status is not `ok`, and what went wrong with the last order. */
  readonly why: string;
}

/** Certificates in the order of the REST interface, then those that are ordered and have not come. */
export function certificateLines(
  certificates: readonly CertificateEntry[],
  orders: readonly AcmeEntry[],
): CertificateLine[] {
  const troubles = new Map(orders.map((order) => [order.id, orderTrouble(order)]));
  const shown = new Set(certificates.map(({ id }) => id));
  return [
    ...certificates.map(({ reason, notAfter, ...entry }) => ({
      ...entry,
      until: notAfter.slice(0, 10),
      why: [reason, troubles.get(entry.id)].filter(Boolean).join("; "),
    })),
    ...orders
      .filter(({ id }) => !shown.has(id))
      .map(({ id, names, listeners, ordering }) => ({
        id,
        names,
        keyType: "-",
        until: "-",
        listeners,
        status: "missing",
        why: troubles.get(id) || (ordering ? "being ordered" : "not ordered yet"),
      })),
  ];
}

function orderTrouble({ lastError, nextAttempt }: AcmeEntry): string {
  if (lastError === null) return "";
  return `${lastError.reason}${nextAttempt === null ? "" : `; next attempt at ${nextAttempt}`}`;
}

/** The orders of a running balancer's ACME. Rejects as {@link askAdmin} does. */
export async function askOrders(admin: string): Promise<readonly AcmeEntry[]> {
  return ((await askAdmin(admin, "GET", "/api/v2/acme", "certificates")) as { certificates: AcmeEntry[] }).certificates;
}
