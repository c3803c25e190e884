import { MAX_LISTENERS } from "../config/listener-checks.ts";

/*
 * The layout of the scoreboard, in one place. Two kinds of memory:
 *
 *   shared   cells that several workers write. A server's cells fill whole cache lines of their own, so that work on
 *            one server never slows down work on its neighbour (false sharing).
 *   lanes    one stretch per worker, which only that worker writes (and the main thread once the worker is dead), with
 *            plain stores. A reader adds the lanes up.
 *
 * Fresh shared memory is all zeros; every cell is defined so that zero means "nothing yet", and nothing needs filling.
 * Counters are doubles: exact up to 2^53, and no BigInt is made on the request path.
 */

/** Bytes of a cache line. */
export const LINE = 64;

// Shared cells of one server: six lines. Offsets of integers count 4 bytes, of doubles 8 bytes.
export const SERVER_BYTES = 6 * LINE;
export const SERVER_INTS = SERVER_BYTES / 4;
export const SERVER_DOUBLES = SERVER_BYTES / 8;
/** Line 0, integers, atomic: requests in flight; upstream connections that are open or being opened. */
export const IN_FLIGHT = 0;
export const CONNECTIONS = 1;
/** Line 0, integer: 1 while a worker without a connection waits for one that others keep unused. */
export const WANTED = 2;
/** Line 0, integer, atomic: WebSockets that are open and not being closed. */
export const WEB_SOCKETS = 3;
/** Line 0, integer, atomic, of a pool's first server: time of the last connection that rebalancing closed, in ms, as 32 bits. */
export const REBALANCED_AT = 4;
/** Line 1, doubles: sums that decay with TAU. Completed and failed requests, latency samples and the sum of these. */
export const COMPLETED = 8;
export const FAILED = 9;
export const SAMPLES = 10;
export const LATENCY_SUM = 11;
/** When the four sums above were decayed last. */
export const COMPLETED_AT = 12;
/** Peak-sensitive average in ms, and when the last latency sample came (0: never). */
export const PEAK = 13;
export const LATENCY_AT = 14;
/** Line 2, doubles: what changes rarely. The times are 0 for never; the cut is 1 − weight scale. */
export const UTILISATION = 16;
export const UTILISATION_AT = 17;
export const READY_SINCE = 18;
export const WEIGHT_CUT = 19;
/** Line 2: a latency in ms above which an answer counts as slow, beside the pool's other servers; 0 for none. */
export const SLOW_LIMIT = 20;
/** Line 3, integers that change rarely: the server's HealthFlags; why traffic spoke against it; grows with each kill. */
export const HEALTH_FLAGS = 48;
export const PASSIVE_REASON = 49;
export const KILL_EPOCH = 50;
/** Line 3, integers: ejections in a row as of the end of the last one (it falls with time); openings of its breaker. */
export const EJECTIONS = 51;
export const BREAKER_OPENINGS = 52;
/** Line 3, integer: how often it became unreachable in a row (falls again with time). */
export const ABSENCES = 53;
/** Line 4, doubles: times, 0 for never. */
export const FLAGS_AT = 32;
export const EJECTED_UNTIL = 33;
export const BREAKER_UNTIL = 34;
export const DRAIN_UNTIL = 35;
/** When any worker last heard anything from the server, as far as workers told (they do so now and then). */
export const HEARD_AT = 36;
/** When a server that traffic found unreachable is tried again; 0 when it was found so otherwise. */
export const UNREACHABLE_UNTIL = 37;
/** When its last ejection began. */
export const EJECTED_AT = 38;
/** Until when an unreachable server stays out although it can be reached, because it comes and goes. */
export const ABSENT_UNTIL = 39;
/** Line 5, integers, written only when something fails or has failed: 1 while one of the counts below may not be 0. */
export const UNSETTLED = 80;
/** Line 5, integers: failures in a row, of every kind and of gateway kinds; doubtful failures to connect in a row. */
export const CONSECUTIVE_ERRORS = 81;
export const CONSECUTIVE_GATEWAY = 82;
export const CONNECT_DOUBTS = 83;
/** Line 5, integers: the breaker's failures in a row while closed, successes while half-open, trials that are running. */
export const BREAKER_FAILURES = 84;
export const BREAKER_SUCCESSES = 85;
export const BREAKER_TRIALS = 86;
/** Line 5, integers: failures by slice of the error window, each with the slice's number; see error-window.ts. */
export const WINDOW_SLICES = 8;
export const WINDOW_ERRORS = 87;

// A worker's own cells for one server: four lines of doubles.
export const SERVER_LANE = 32;
export const LANE_IN_FLIGHT = 0;
export const LANE_CONNECTIONS = 1;
export const LANE_REQUESTS = 2;
export const LANE_ERRORS = 3;
export const LANE_CONNECT_FAILURES = 4;
export const LANE_RETRIES = 5;
export const LANE_BYTES_IN = 6;
export const LANE_BYTES_OUT = 7;
/** No status, then 1xx to 5xx. */
export const LANE_STATUS = 8;
/** Sum of all latency samples in ms and their number: the true mean, where the averages above are recent ones. */
export const LANE_LATENCY_TOTAL = 14;
export const LANE_LATENCY_COUNT = 15;
/** Second requests, sent because a first one on another server took long. */
export const LANE_HEDGES = 16;
/** Answers slower than SLOW_LIMIT. */
export const LANE_SLOW = 17;
/** Of the pool, in the lane of its first server: the worker's adaptive limit (0: none), and requests that wait for a place. */
export const LANE_POOL_LIMIT = 18;
export const LANE_POOL_WAITING = 19;
/** The worker's share of WEB_SOCKETS; then messages and bytes from the server's side of WebSockets and towards it. */
export const LANE_WEB_SOCKETS = 24;
export const LANE_MESSAGES_IN = 25;
export const LANE_MESSAGES_OUT = 26;
export const LANE_TUNNEL_BYTES_IN = 27;
export const LANE_TUNNEL_BYTES_OUT = 28;
/** WebSockets that rebalancing has closed. */
export const LANE_REBALANCED = 29;

// Shared cells of one listener: one line of integers.
export const LISTENER_INTS = LINE / 4;
/** Hash of the listener's name, 0 while the place is free; and its open client connections, exact over workers. */
export const LISTENER_NAME = 0;
export const LISTENER_OPEN = 1;

// A worker's own cells for one listener: three lines of doubles.
export const LISTENER_LANE = 24;
export const CLIENTS_ACCEPTED = 0;
export const CLIENTS_OPEN = 1;
/** Connections that were closed at once because the limit was reached. */
export const CLIENTS_REJECTED = 2;
export const CLIENT_REQUESTS = 3;
/** Requests refused for breaking the protocol or a limit, before any routing. */
export const CLIENT_REFUSED = 4;
export const CLIENT_UPGRADES = 5;
export const CLIENT_BYTES_IN = 6;
export const CLIENT_BYTES_OUT = 7;
/** No status, then 1xx to 5xx. */
export const CLIENT_STATUS = 8;
/** TLS handshakes that succeeded, and those of them that took up an earlier session. */
export const HANDSHAKES = 14;
export const HANDSHAKES_RESUMED = 15;
/** WebSockets that are open; then messages and bytes from clients' sides of them and towards them. */
export const CLIENT_WEB_SOCKETS = 16;
export const CLIENT_MESSAGES_IN = 17;
export const CLIENT_MESSAGES_OUT = 18;
export const CLIENT_TUNNEL_BYTES_IN = 19;
export const CLIENT_TUNNEL_BYTES_OUT = 20;
/** TLS handshakes that failed; sum of the times in ms that the others took, from the accepted connection on. */
export const HANDSHAKES_FAILED = 21;
export const HANDSHAKE_TIME = 22;

// A worker's own cells about itself: one line of doubles.
export const WORKER_LANE = 8;
/** When the worker's event loop last turned, by the shared clock; 0 before it did. */
export const HEARTBEAT = 0;
export const PLAN_VERSION = 1;
/** Longest delay of the event loop in ms since it was last read and reset. */
export const LOOP_DELAY = 2;

// Cells of the whole scoreboard: one line of integers.
/** Grows with each change of a server's state or weight scale. */
export const STATE_VERSION = 0;
/** Grows with each call of `wantConnection`: tells workers to look at the servers' WANTED cells. */
export const WANTED_VERSION = 1;
/** Who changes verdicts right now: the lane's number plus 1; 0 for nobody. See HealthBoard.lock. */
export const VERDICT_LOCK = 2;

export { MAX_LISTENERS };
