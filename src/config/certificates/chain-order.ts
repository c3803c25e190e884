/** A chain in the order in which TLS sends it, and what was wrong with the order that it was in. */
export interface OrderedChain<Certificate> {
  /** The end entity's certificate first, each one issued by the next. A root is left out, unless it is the only one. */
  readonly chain: readonly Certificate[];
  /** The certificates were there, but in another order. */
  readonly reordered: boolean;
  /** How many lead nowhere: issued by nobody in the file and issuing nobody of the chain. */
  readonly unrelated: number;
  /** The root was among them. Clients have their own, or would not believe this one. */
  readonly root: boolean;
}

/**
 * Puts certificates in order (RFC 8446 4.4.2), starting from `leaf`, one of them.
 *
 * @param isIssuer whether `issuer` has issued `subject`
 */
export function orderChain<Certificate>(
  certificates: readonly Certificate[],
  leaf: Certificate,
  isIssuer: (issuer: Certificate, subject: Certificate) => boolean,
): OrderedChain<Certificate> {
  const full: Certificate[] = [leaf];
  const left = new Set(certificates);
  left.delete(leaf);
  for (;;) {
    const last = full.at(-1)!;
    const next = [...left].find((candidate) => isIssuer(candidate, last));
    if (next === undefined) break;
    full.push(next);
    left.delete(next);
  }
  const root = full.length > 1 && isIssuer(full.at(-1)!, full.at(-1)!);
  const reordered = full.some((certificate, at) => certificates[at] !== certificate);
  return {
    chain: root ? full.slice(0, -1) : full,
    // One that leads nowhere, between two others, has not shuffled them.
    reordered: reordered && !isSubsequence(full, certificates),
    unrelated: left.size,
    root,
  };
}

function isSubsequence<Item>(short: readonly Item[], long: readonly Item[]): boolean {
  let at = 0;
  for (const item of long) if (item === short[at]) at++;
  return at === short.length;
}
