const DAY = 86_400_000;

/** Days before the end at which it is said that a certificate will expire. */
export const EXPIRY_LEVELS = [30, 14, 7, 3, 1] as const;

/** The dates of a certificate, ms since 1970. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * The level that a certificate has reached: the days of the last one passed, 0 when it has expired, undefined while all is
 * well. Levels above a third of the whole validity do not count: one that is good for six days is not in danger on its first.
 */
export function expiryLevel({ notBefore, notAfter }: Validity, now: number): number | undefined {
  const left = notAfter - now;
  if (left <= 0) return 0;
  const whole = notAfter - notBefore;
  return EXPIRY_LEVELS.findLast((days) => left <= days * DAY && days * DAY <= whole / 3);
}

/** A certificate that has just reached a level. */
export interface ExpiryAlert<Subject> {
  readonly subject: Subject;
  /** Days; 0: it has expired. */
  readonly level: number;
}

/** Remembers which levels were reported, so that each one is told once. */
export class ExpiryWatch {
  #told = new Map<string, number>();

  /** Those that have reached a level that was not reported yet. What is not among `all` any more is forgotten. */
  look<Subject extends { readonly key: string; readonly validity: Validity }>(
    all: readonly Subject[],
    now: number,
  ): ExpiryAlert<Subject>[] {
    const told = new Map<string, number>();
    const alerts: ExpiryAlert<Subject>[] = [];
    for (const subject of all) {
      const level = expiryLevel(subject.validity, now);
      const before = this.#told.get(subject.key);
      if (level === undefined) continue;
      told.set(subject.key, Math.min(level, before ?? Infinity));
      if (before === undefined || level < before) alerts.push({ subject, level });
    }
    this.#told = told;
    return alerts;
  }
}
