/** What a route is matched against: one request after its head was read and checked. */
export interface RouteRequest {
  /** As received: methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** Host of the authority in lower case, without port; "" when the request has none. */
  readonly host: string;
  /** The normalised path, percent-encoded; "*" for `OPTIONS *`. */
  readonly path: string;
  /** With its question mark, or "". */
  readonly query: string;
  /** Value of the first field of that name; the name is in lower case. */
  get(name: string): string | undefined;
  cookie(name: string): string | undefined;
  /** The client's address, after trusted proxies. */
  clientAddress(): string;
  /** Name that the client asked for in the TLS handshake (SNI), in lower case; absent or "" without one. */
  readonly sni?: string | undefined;
}

/**
 * The conditions of a route, as the configuration has them (docs/routing.md). All that are given must hold; of a
 * list one entry must.
 */
export interface MatchInput {
  /** `www.example.com`, `*.example.com` (any depth below), `example.*`, or `*`. */
  readonly host?: readonly string[];
  /** `/exact`, `/prefix/*`, a glob with `*` and `**`, or `~regular expression`. */
  readonly path?: readonly string[];
  readonly methods?: readonly string[];
  /** Name → condition: `value`, `*`, `~regular expression`, `!value`, `!~regular expression`, `!`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: Readonly<Record<string, string>>;
  /** Compared with the decoded value of the first parameter of that name. */
  readonly query?: Readonly<Record<string, string>>;
  /** As `host`, compared with the name of the TLS handshake. */
  readonly sni?: readonly string[];
  /** Addresses and CIDR blocks. */
  readonly client?: readonly string[];
}

/** The part of a configured route that decides whether a request takes it. */
export interface RouteInput {
  readonly match?: MatchInput;
}
