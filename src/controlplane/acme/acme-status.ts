/** A certificate that comes by ACME, as the REST interface shows it. Times are ms since 1970-01-01 UTC. */
export interface AcmeStatus {
  readonly id: string;
  readonly names: readonly string[];
  readonly listeners: readonly string[];
  readonly directory: string;
  readonly challenge: string;
  readonly onDemand: boolean;
  /**
   * `valid`: there is one that is good; `missing`: there is none yet; `expired`: it has ended. Whether it is being ordered, and
   * whether the last order failed, stands beside.
   */
  readonly state: "valid" | "missing" | "expired";
  readonly ordering: boolean;
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  /** When it is renewed, who says so, and the authority's page about it; null without a certificate. */
  readonly renewal: {
    readonly at: number;
    readonly by: "authority" | "lifetime";
    readonly explanation: string | null;
  } | null;
  /** When it is ordered next. */
  readonly nextAttempt: number;
  /** Orders that failed since the last one that did not. */
  readonly failures: number;
  readonly lastError: { readonly at: number; readonly reason: string } | null;
}
