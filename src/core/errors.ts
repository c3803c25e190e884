/** Where a failure came from. */
export type ErrorSource = "downstream" | "upstream" | "internal";

/**
 * Whether the request may be tried again: never; only if its method is idempotent, because a server may have begun to
 * work on it; or always, because nothing of it reached a server.
 */
export type RetryClass = "never" | "if-idempotent" | "always";

/** A failure on the request path, as a value. One frozen object per code; nothing is allocated when one happens. */
export interface ProxyError {
  /** Stable name, for programs; see docs/errors.md. */
  readonly code: string;
  readonly source: ErrorSource;
  readonly retry: RetryClass;
  /** Status of the answer that the client gets. */
  readonly status: number;
  /** One sentence for people. */
  readonly message: string;
}

function define(code: string, source: ErrorSource, status: number, retry: RetryClass, message: string): ProxyError {
  return Object.freeze({ code, source, retry, status, message });
}

/** Every failure of the request path that is not a protocol error of the request itself (those: http1/protocol-error.ts). */
export const errors = {
  noRoute: define("no_route", "downstream", 404, "never", "No route matches this request."),
  headTimeout: define("head_timeout", "downstream", 408, "never", "The request's head did not arrive in time."),
  bodyTimeout: define("body_timeout", "downstream", 408, "never", "The request's body stopped arriving."),
  bodyTooSlow: define("body_too_slow", "downstream", 408, "never", "The request's body arrived too slowly."),
  bodyTooLarge: define("body_too_large", "downstream", 413, "never", "The request's body is larger than allowed."),
  misdirected: define(
    "misdirected_request",
    "downstream",
    421,
    "never",
    "This connection was made for another host name.",
  ),
  plainHttp: define("plain_http", "downstream", 400, "never", "This port speaks HTTPS; the request came without TLS."),
  connectNotSupported: define("connect_not_supported", "downstream", 501, "never", "CONNECT is not supported."),
  clientGone: define("client_gone", "downstream", 499, "never", "The client went away before the answer was complete."),
  noServer: define("no_server", "upstream", 503, "never", "No server is ready for this request."),
  overloaded: define("overloaded", "upstream", 503, "never", "All connections to the servers are in use."),
  queueFull: define("queue_full", "upstream", 503, "never", "Too many requests wait for a server already."),
  queueTimeout: define("queue_timeout", "upstream", 503, "never", "No server had a free place in time."),
  concurrencyLimited: define(
    "concurrency_limited",
    "upstream",
    503,
    "never",
    "As many requests are in flight as the servers answer in good time.",
  ),
  degraded: define("degraded", "upstream", 503, "never", "Only more important requests are served at the moment."),
  connectFailed: define("connect_failed", "upstream", 502, "always", "The server could not be reached."),
  connectTimeout: define(
    "connect_timeout",
    "upstream",
    504,
    "always",
    "The server did not accept a connection in time.",
  ),
  connectionLost: define(
    "connection_lost",
    "upstream",
    502,
    "if-idempotent",
    "The server closed the connection without an answer.",
  ),
  refusedStream: define(
    "refused_stream",
    "upstream",
    502,
    "always",
    "The server did not take this request on its connection.",
  ),
  requestStalled: define("request_stalled", "upstream", 504, "never", "The server stopped taking the request's body."),
  serverSilent: define(
    "server_silent",
    "upstream",
    504,
    "if-idempotent",
    "The server was found to be dead while the request waited.",
  ),
  responseTimeout: define("response_timeout", "upstream", 504, "if-idempotent", "The server did not answer in time."),
  tryTimeout: define(
    "try_timeout",
    "upstream",
    504,
    "if-idempotent",
    "The server did not answer within the time for one try.",
  ),
  requestTimeout: define("request_timeout", "upstream", 504, "never", "The request was not answered in time."),
  responseBodyTimeout: define(
    "response_body_timeout",
    "upstream",
    504,
    "never",
    "The server's answer stopped arriving.",
  ),
  responseTruncated: define("response_truncated", "upstream", 502, "never", "The server's answer ended early."),
  badResponse: define("bad_response", "upstream", 502, "if-idempotent", "The server's answer is not valid HTTP."),
  unexpectedUpgrade: define(
    "unexpected_upgrade",
    "upstream",
    502,
    "never",
    "The server switched protocols without being asked.",
  ),
  upgradeNotPossible: define(
    "upgrade_not_possible",
    "upstream",
    502,
    "never",
    "The server's HTTP/2 connection allows no upgrade.",
  ),
  serverRemoved: define(
    "server_removed",
    "upstream",
    503,
    "if-idempotent",
    "The server was taken out of service while it worked on this request.",
  ),
  /** As `serverRemoved`, for requests of which nothing was sent. */
  serverGone: define(
    "server_gone",
    "upstream",
    503,
    "always",
    "The server was taken out of service before it got this request.",
  ),
  shuttingDown: define("shutting_down", "internal", 503, "never", "The balancer is shutting down."),
  badRewrite: define("bad_rewrite", "downstream", 400, "never", "The rewritten path is not a valid one."),
  algorithmFailed: define("algorithm_failed", "internal", 500, "never", "The balancing algorithm failed."),
  filterFailed: define("filter_failed", "internal", 500, "never", "A filter failed."),
} as const satisfies Record<string, ProxyError>;
