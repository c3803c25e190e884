import type { CertificateChange } from "./certificate-event.ts";
import type { Shown } from "./shown.ts";

/** A certificate that came, went, or is another one than before. */
export interface ShownChange {
  readonly id: string;
  readonly what: CertificateChange;
  readonly reason: string;
}

/** What is different between two lists of certificates. */
export function changesOfShown(before: readonly Shown[], after: readonly Shown[]): ShownChange[] {
  const earlier = new Map(before.map((shown) => [shown.id, shown]));
  const later = new Map(after.map((shown) => [shown.id, shown]));
  const changes: ShownChange[] = [];
  for (const [id, shown] of later) {
    const old = earlier.get(id);
    if (old === undefined) changes.push({ id, what: "certificate_added", reason: describe(shown) });
    else if (old.pair.fingerprint !== shown.pair.fingerprint) {
      changes.push({ id, what: "certificate_replaced", reason: describe(shown) });
    }
  }
  for (const [id, shown] of earlier) {
    if (!later.has(id)) changes.push({ id, what: "certificate_removed", reason: describe(shown) });
  }
  return changes;
}

/** Names that are written out; a certificate may have hundreds. */
const MOST_NAMES = 5;

/** Names and end of a certificate, in one line. */
export function describe({ pair: { names, notAfter } }: Pick<Shown, "pair">): string {
  const listed = names.slice(0, MOST_NAMES).join(", ") || "no names";
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  return `${listed}${more}; until ${new Date(notAfter).toISOString()}`;
}
