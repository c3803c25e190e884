/** Time for one order from its beginning to the certificate, in ms, without the waiting for DNS. */
export const ORDER_TIMEOUT = 15 * 60_000;

/** Orders at one time on this node; others wait for their turn. */
export const MAX_ORDERS = 4;

/** Certificates on demand that are kept and renewed; more are not ordered. */
export const MAX_ON_DEMAND = 1000;

/** How often an authority is asked for the state of something, in ms: the first wait, and the longest. */
export const POLL_DELAYS = { first: 500, longest: 5_000, longestRetryAfter: 60_000 } as const;

/** Time for `dnsHook cleanup`, in ms, when the node is ending or the order has failed. */
export const CLEANUP_TIMEOUT = 30_000;

/** Longest sleep of a certificate's timer, in ms: the wall clock may have been set meanwhile. */
export const LONGEST_SLEEP = 3_600_000;

/** A certificate on demand that was refused is not ordered again for so many ms; one that failed otherwise, for the second. */
export const REST_AFTER_REFUSAL = 3_600_000;
export const REST_AFTER_FAILURE = 60_000;

/**
 * A certificate that has just come is not replaced for so many ms (or a tenth of its life, if that is less): an authority that
 * always wants renewal at once, or a wrong clock, must not lead to one order after the other.
 */
export const REST_AFTER_ORDER = 6 * 3_600_000;

/** Certificates of former configurations are removed from the store so many ms after their end. */
export const KEEP_AFTER_END = 7 * 86_400_000;

/** That the limit of orders on demand is reached is said once in so many ms. */
export const QUIET_AFTER_LIMIT = 3_600_000;

/** How long the end of the node waits for orders that are being given up, in ms. */
export const CLOSE_TIMEOUT = 5_000;
