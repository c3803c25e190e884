import type { ProbeResult } from "../../../core/health/probe.ts";

/** Longest reason, in characters. */
const MAX_REASON = 200;

export type ProbeDetails = NonNullable<ProbeResult["details"]>;

/** A good check. */
export function healthy(details?: ProbeDetails): ProbeResult {
  return { outcome: "healthy", details };
}

/** A check that found the server working but not well. */
export function degraded(reason: string, details?: ProbeDetails): ProbeResult {
  return { outcome: "degraded", reason: oneLine(reason), details };
}

/** A failed check. What a server said may be part of the reason: it is shortened and made one line here. */
export function unhealthy(reason: string, details?: ProbeDetails): ProbeResult {
  return { outcome: "unhealthy", reason: oneLine(reason), details };
}

/** Nothing answers there. */
export function unreachable(reason: string): ProbeResult {
  return { outcome: "unhealthy", reason: oneLine(reason), unreachable: true };
}

/** One line of visible characters, with a bound. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- what servers send may hold terminal sequences
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\s]+/g, " ").trim();
  return line.length > MAX_REASON ? `${line.slice(0, MAX_REASON - 1)}…` : line;
}

/** What a server sent, for a reason: quoted, short. */
export function quoted(text: string): string {
  const whole = JSON.stringify(text.slice(0, 80));
  return whole.length > 80 ? `${whole.slice(0, 78)}…"` : whole;
}

/** "2 s", "250 ms": a time for reasons. */
export function inWords(milliseconds: number): string {
  return milliseconds >= 1000 && milliseconds % 1000 === 0 ? `${milliseconds / 1000} s` : `${milliseconds} ms`;
}
