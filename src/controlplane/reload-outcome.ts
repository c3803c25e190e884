import type { Problem } from "../config/problem.ts";

/** What came of an attempt to bring another configuration into use. */
export interface ReloadOutcome {
  /** applied; unchanged: it is the one in use; kept: it is bad, and the old one stays. */
  readonly result: "applied" | "unchanged" | "kept";
  /** Version of the snapshot that is in use afterwards. */
  readonly version: number;
  /** One line per difference from the configuration before. */
  readonly changes: readonly string[];
  /** Errors (with `kept`) and warnings. */
  readonly problems: readonly Problem[];
}
