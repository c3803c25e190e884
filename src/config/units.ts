const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** What a duration may look like in a file; without a unit it is milliseconds. */
export const DURATION_PATTERN = `^\\d{1,15}(\\.\\d{1,9})?(${Object.keys(DURATION_UNITS).join("|")})?$`;
/** What a size may look like in a file; without a unit it is bytes. */
export const SIZE_PATTERN = `^\\d{1,15}(\\.\\d{1,9})?(${Object.keys(SIZE_UNITS).join("|")})?$`;

/** What a share may look like in a file. */
export const SHARE_PATTERN = "^(100|\\d{1,2}(\\.\\d{1,6})?)%$";

/** Longest duration in milliseconds: the longest that a Node timer can wait (about 24.8 days). */
export const MAX_DURATION = 2 ** 31 - 1;

/** "250ms", "5s", "30m", "1h", "1d", "250" or 250 in whole milliseconds; undefined when it is none of these. */
export function parseDuration(value: unknown): number | undefined {
  return parse(value, DURATION_PATTERN, DURATION_UNITS);
}

/** "64KiB", "10MB", "512" or 512 in whole bytes; undefined when it is none of these. */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === "number" && !Number.isInteger(value)) return undefined;
  return parse(value, SIZE_PATTERN, SIZE_UNITS);
}

/** "20%" or 0.2 as 0.2; undefined when it is neither. A bare number above 1 is not taken for percent: it would be a guess. */
export function parseShare(value: unknown): number | undefined {
  if (typeof value === "number") return value >= 0 && value <= 1 ? value : undefined;
  if (typeof value !== "string" || !new RegExp(SHARE_PATTERN).test(value)) return undefined;
  return Number.parseFloat(value) / 100;
}

/** Milliseconds as one would write them in a configuration: 300000 is "300s", 1500 is "1500ms". */
export function durationText(ms: number): string {
  return ms >= 1000 && ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** A share as one would write it in a configuration: 0.2 is "20%". */
export function shareText(share: number): string {
  return `${Number((share * 100).toFixed(6))}%`;
}

function parse(value: unknown, pattern: string, units: Readonly<Record<string, number>>): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined;
  if (typeof value !== "string" || !new RegExp(pattern).test(value)) return undefined;
  const number = Number.parseFloat(value);
  const unit = value.replace(/^[\d.]+/, "");
  return Math.round(number * (unit === "" ? 1 : units[unit]));
}
