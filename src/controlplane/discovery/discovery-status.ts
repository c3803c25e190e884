/** How a pool's source of servers is doing, as the REST interface shows it. */
export interface DiscoveryStatus {
  readonly type: string;
  /** How many servers it lists now, those that the configuration has as well among them. */
  readonly servers: number;
  /** When it last told its servers, ms since 1970-01-01 UTC; null: never. */
  readonly lastSuccess: number | null;
  /** What last went wrong, and when; null: nothing has. It may be older than `lastSuccess`. */
  readonly lastError: { readonly at: number; readonly reason: string } | null;
}
