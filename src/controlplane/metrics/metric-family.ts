import type { NodeState } from "../api/node-state.ts";

/** One value of a family. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of histograms and summaries: what stands after the family's name, such as "_sum". */
  readonly suffix?: "_bucket" | "_sum" | "_count";
}

/** A family of metrics: one name, many labels. A new one is a file of its own and a line in `families.ts`. */
export interface MetricFamily {
  /** `evenkeel_…`, with the unit (seconds, bytes) and, for counters, `_total` at its end. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  /** The values at this moment. */
  samples(state: NodeState): Iterable<Sample>;
}
