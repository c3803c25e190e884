/** What may stand in the configuration for statuses: 200, "204", "200-299", or a list of these. */
export type StatusSetting = number | string | readonly (number | string)[];

/** What a status or a range of them looks like as a text. */
export const STATUS_RANGE_PATTERN = "^[1-5]\\d\\d(-[1-5]\\d\\d)?$";

/** Statuses from the first to the last, both included. */
export type StatusRange = readonly [first: number, last: number];

/** The ranges of a setting that its schema allows. */
export function statusRanges(setting: StatusSetting): StatusRange[] {
  const list = Array.isArray(setting) ? (setting as readonly (number | string)[]) : [setting as number | string];
  return list.map((entry) => {
    const [first, last = first] = String(entry).split("-").map(Number) as [number, number?];
    return [first, last];
  });
}

export function isInRanges(status: number, ranges: readonly StatusRange[]): boolean {
  for (const [first, last] of ranges) if (status >= first && status <= last) return true;
  return false;
}

/** `200-299 or 404`. */
export function rangesText(ranges: readonly StatusRange[]): string {
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(" or ");
}

/** Why the ranges of a setting make no sense, or undefined when they do. */
export function rangesProblem(setting: StatusSetting): string | undefined {
  const wrong = statusRanges(setting).find(([first, last]) => first > last);
  return wrong === undefined ? undefined : `${wrong[0]}-${wrong[1]} is no range: it begins behind its end`;
}
