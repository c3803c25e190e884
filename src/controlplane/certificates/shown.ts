import type { InspectedPair } from "../../config/certificates/inspect-pair.ts";

/** A certificate that workers are to show. */
export interface Shown {
  /** `file:PATH`, `rest:NAME` or `acme:NAME`. */
  readonly id: string;
  readonly pair: InspectedPair;
  /** Content of the file with an OCSP response; null when the configuration names none. */
  readonly ocspFile: Buffer | null;
  /** Null: every listener with TLS, by name only. */
  readonly listeners: readonly string[] | null;
}

/** True while the certificate's dates are good; `now` is ms since 1970. */
export function isValid({ notBefore, notAfter }: InspectedPair, now: number): boolean {
  return notBefore <= now && now < notAfter;
}

/**
 * Leaves out certificates whose dates are not good where others stand in for each of their names. Those without such a
 * replacement stay: a certificate that has expired tells a client more than a handshake that fails.
 */
export function withoutReplaced(all: readonly Shown[], now: number): Shown[] {
  const valid = all.filter(({ pair }) => isValid(pair, now));
  if (valid.length === all.length) return [...all];
  const byName = new Map<string, Shown[]>();
  for (const shown of valid) {
    for (const name of shown.pair.names) byName.set(name, [...(byName.get(name) ?? []), shown]);
  }
  return all.filter((shown) => {
    const { pair, listeners } = shown;
    if (isValid(pair, now) || pair.names.length === 0) return true;
    return !pair.names.every((name) => byName.get(name)?.some((other) => reaches(other.listeners, listeners)));
  });
}

/**
 * Puts those whose dates are good before the others where a listener has both, for names that several of them have. The
 * listener's first one stays the first: it is the one for clients that ask for no name.
 */
export function validFirst(all: readonly Shown[], now: number): Shown[] {
  const lists = Map.groupBy(all, ({ listeners }) => JSON.stringify(listeners));
  return [...lists.values()].flatMap(([first, ...others]) => {
    const { true: good = [], false: bad = [] } = Object.groupBy(others, ({ pair }) => `${isValid(pair, now)}`);
    return [first!, ...good, ...bad];
  });
}

/** Whether what is shown on `others` is shown on all of `listeners`. */
function reaches(others: readonly string[] | null, listeners: readonly string[] | null): boolean {
  return others === null || (listeners !== null && listeners.every((listener) => others.includes(listener)));
}

/** When the dates of one of them will be good or bad the next time, in ms since 1970; Infinity for never. */
export function nextDate(all: readonly Shown[], now: number): number {
  let next = Infinity;
  for (const { pair } of all) {
    for (const date of [pair.notBefore, pair.notAfter]) if (date > now && date < next) next = date;
  }
  return next;
}
