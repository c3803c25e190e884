/** Urgency 3, not incremental: what RFC 9218 section 4 takes when nothing is said. */
export const DEFAULT_PRIORITY = 3;

const INCREMENTAL = 8;

/** Of a value of `parsePriority`. */
export function urgencyOf(priority: number): number {
  return priority & 7;
}

/** Of a value of `parsePriority`. */
export function isIncremental(priority: number): boolean {
  return priority >= INCREMENTAL;
}

// key, optionally "=" and a value; parameters of a member are skipped (RFC 8941 3.2).
const MEMBER = /^\s*([a-z*][a-z0-9_.*-]*)(?:=([^;,]*))?(?:;[^,]*)?\s*$/;

/**
 * Reads the value of a `priority` field or of a PRIORITY_UPDATE frame (RFC 9218 section 4): urgency 0 (first) to 7, plus 8
 * if the answer is useful in parts. Members that are unknown, malformed or out of range are ignored.
 */
export function parsePriority(value: string): number {
  let urgency = DEFAULT_PRIORITY;
  let incremental = false;
  for (const part of value.split(",", 32)) {
    const member = MEMBER.exec(part);
    if (member === null) continue;
    const key = member[1];
    const item: string | undefined = member[2]?.trim();
    if (key === "u" && item !== undefined && /^[0-7]$/.test(item)) urgency = Number(item);
    else if (key === "i" && (item === undefined || item === "?1")) incremental = true;
    else if (key === "i" && item === "?0") incremental = false;
  }
  return urgency + (incremental ? INCREMENTAL : 0);
}
