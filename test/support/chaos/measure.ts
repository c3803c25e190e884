import type { ChaosOrigin } from "./chaos-origin.ts";
import type { LoadSample } from "./load-settings.ts";

/** A span of time by `monotonic()`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Requests that were due in the span. */
export function dueIn(samples: readonly LoadSample[], { from, to }: Span): LoadSample[] {
  return samples.filter(({ due }) => due >= from && due < to);
}

/** Failures as "code × count", with the method: for a message that says what went wrong. */
export function failuresOf(samples: readonly LoadSample[], methods: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const { method, error } of samples) {
    if (error === "" || !methods.includes(method)) continue;
    const key = `${method} ${error}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => `${key} × ${count}`);
}

/** The share of requests that each server answered. */
export function sharesOf(samples: readonly LoadSample[], names: readonly string[]): number[] {
  const served = samples.filter(({ server }) => server !== "");
  return names.map((name) => served.filter(({ server }) => server === name).length / (served.length || 1));
}

/** Latencies in ms of what was answered well, sorted. */
export function latencies(samples: readonly LoadSample[]): number[] {
  return samples
    .filter(({ error }) => error === "")
    .map(({ at, due }) => at - due)
    .sort((a, b) => a - b);
}

/** The value below which the share (0..1) of the sorted values lies; NaN for none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** The middle one of the values. */
export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Ids of requests with this method that more than one server began, or one of them twice. */
export function doubled(origins: readonly ChaosOrigin[], wanted: string): string[] {
  const seen = new Set<string>();
  const twice: string[] = [];
  for (const origin of origins) {
    for (const { kind, id, method } of origin.journal()) {
      if (kind !== "B" || method !== wanted) continue;
      if (seen.has(id)) twice.push(id);
      seen.add(id);
    }
  }
  return twice;
}

/** When the origin began requests in the span, in order. */
export function beginnings(origin: ChaosOrigin, { from, to }: Span): number[] {
  return origin
    .journal()
    .filter(({ kind, at }) => kind === "B" && at >= from && at < to)
    .map(({ at }) => at);
}

/** The most requests that the origin had at one time in the span. */
export function mostAtOnce(origin: ChaosOrigin, { from, to }: Span): number {
  let running = 0;
  let most = 0;
  for (const { kind, at } of origin.journal()) {
    running += kind === "B" ? 1 : -1;
    if (at >= from && at < to) most = Math.max(most, running);
  }
  return most;
}
