import { Type, type Static } from "typebox";
import { duration, Flag, Name, size, strict, stringList, switchable, Text, timeout } from "./fields.ts";
import { poolFailureParts } from "./pool-parts-schema.ts";
import { Http2Schema, ListenerTlsSchema, UpstreamTlsSchema } from "./tls-schema.ts";
import { MatchSchema, RedirectSchema, RespondSchema, RewriteSchema, SplitSchema } from "./route-parts-schema.ts";

/*
 * The configuration: the single source for types, validation, defaults, `evenkeel schema` and documentation.
 * The static types below are the normalised form: defaults filled in, durations in ms, sizes in bytes, short forms
 * (a server as a string, an algorithm as a name) written out.
 *
 * Besides JSON Schema's own keywords: `x-evenkeel` names a conversion (conversions.ts), `x-check` and `x-key-check` a
 * rule for a text or for the keys of a record (text-checks.ts), `x-planned` keys and `x-planned-values` values that
 * later versions will have, and `x-secret` a value that is never shown.
 */

export const ServerSchema = Type.Object(
  {
    address: Text("serverAddress", "host:port, [v6]:port or unix:/path"),
    id: Type.Optional(Text("serverId", "stable name by which hashing places the server; the address when absent")),
    weight: Type.Integer({
      default: 1,
      minimum: 0,
      maximum: 65535,
      description: "share of the traffic; 0 takes no new work",
    }),
    priority: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 128,
      description: "lower is preferred; higher ones are used when no lower one is ready",
    }),
    zone: Type.Optional(Name("where the server stands")),
    maxConnections: Type.Integer({ default: 0, minimum: 0, description: "most requests in flight; 0 is no limit" }),
    backup: Flag(false, "takes requests only while no other server is ready"),
    checkAddress: Type.Optional(Text("serverAddress", "where this server's health checks go, if not to its address")),
  },
  { ...strict, "x-evenkeel": "server" },
);
export type ServerConfig = Static<typeof ServerSchema>;

/** Its own settings stand beside `name`; they are checked against the algorithm's schema in the registry. */
export interface AlgorithmConfig {
  readonly name: string;
  /** Where the hash key comes from, for algorithms that take one: client, host, path, uri, header:NAME, cookie:NAME, query:NAME. */
  readonly key: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

const upstreamProtocols = ["http1", "http2", "h2c", "auto"] as const;
export type UpstreamProtocol = (typeof upstreamProtocols)[number];

export const UpstreamSchema = Type.Object(
  {
    protocol: Type.Unsafe<UpstreamProtocol>({
      type: "string",
      enum: upstreamProtocols,
      default: "http1",
      description:
        "spoken to the servers: http1; http2 over TLS; h2c, HTTP/2 in the clear; auto, what the server chooses in the TLS handshake (ALPN)",
    }),
    tls: switchable(UpstreamTlsSchema, "off", "connections to the servers are encrypted"),
    maxStreams: Type.Integer({
      default: 100,
      minimum: 1,
      maximum: 10_000,
      description: "requests at one time on one HTTP/2 connection to a server, where the server does not allow less",
    }),
    connectTimeout: timeout("5s", "time for a connection to be made"),
    responseTimeout: timeout("60s", "time from the last byte sent to the head of the answer"),
    requestTimeout: duration(
      "0",
      "time from the request's head to the end of the answer, all tries together; 0 is no limit",
    ),
    idleTimeout: timeout("60s", "how long an unused connection is kept"),
    maxConnections: Type.Integer({ default: 1000, minimum: 1, description: "connections per server and node" }),
    maxIdle: Type.Integer({
      default: 100,
      minimum: 0,
      description: "unused connections kept per server and worker; what is beyond closes after 2 s",
    }),
    maxRequestsPerConnection: Type.Integer({
      default: 0,
      minimum: 0,
      description: "requests after which a connection is closed; 0 is no limit",
    }),
    prewarm: Type.Integer({
      default: 0,
      minimum: 0,
      description: "connections per server and worker that are opened before they are needed",
    }),
  },
  { ...strict, "x-planned": ["pipelining", "proxyProtocol"] },
);
export type UpstreamConfig = Static<typeof UpstreamSchema>;

export const PoolSchema = Type.Object(
  {
    algorithm: Type.Unsafe<AlgorithmConfig>({
      "x-evenkeel": "algorithm",
      default: "weighted_round_robin",
      description: "how a server is chosen: a name, or an object with the name and its settings",
    }),
    servers: Type.Array(ServerSchema, {
      default: [],
      description: "addresses, or objects with an address and settings",
    }),
    upstream: UpstreamSchema,
    ...poolFailureParts,
    drainTimeout: duration("5m", "how long exchanges with a removed or draining server may go on"),
  },
  {
    ...strict,
    "x-planned": ["affinity"],
  },
);
export type PoolConfig = Static<typeof PoolSchema>;

/** One filter of a route: `- headers: { … }` in the file. */
export interface FilterConfig {
  readonly name: string;
  readonly settings: unknown;
}

/** From the first to go to the last. */
export const importances = ["low", "normal", "critical"] as const;
export type Importance = (typeof importances)[number];

export const RouteSchema = Type.Object(
  {
    name: Type.Optional(Name("for logs, metrics and the API; its position when absent")),
    match: Type.Optional(MatchSchema),
    filters: Type.Unsafe<FilterConfig[]>({
      "x-evenkeel": "filters",
      default: [],
      description: "steps of request and response handling, in order: `- name: { settings }`, or just the name",
    }),
    rewrite: Type.Optional(RewriteSchema),
    importance: Type.Unsafe<Importance>({
      type: "string",
      enum: importances,
      default: "normal",
      description: "which requests a pool with `degradation` still serves when few of its servers are ready",
    }),
    pool: Type.Optional(Name("where the request goes")),
    split: Type.Optional(
      Type.Array(SplitSchema, { minItems: 1, description: "pools that share the requests by weight" }),
    ),
    redirect: Type.Optional(RedirectSchema),
    respond: Type.Optional(RespondSchema),
  },
  strict,
);
export type RouteConfig = Static<typeof RouteSchema>;

export const LimitsSchema = Type.Object(
  {
    maxRequestLine: size("8KiB", "longest request line; over it 414"),
    maxHeadSize: size("32KiB", "longest head, request line included; over it 431"),
    maxHeaders: Type.Integer({
      default: 100,
      minimum: 1,
      maximum: 1000,
      description: "most header fields; over it 431",
    }),
    maxBodySize: size("0", "longest request body; over it 413; 0 is no limit, for bodies are streamed"),
    maxConnections: Type.Integer({
      default: 20_000,
      minimum: 1,
      description: "client connections per listener and node",
    }),
    maxRequestsPerConnection: Type.Integer({
      default: 0,
      minimum: 0,
      description: "requests after which a client connection is closed; 0 is no limit",
    }),
    headTimeout: timeout("10s", "time from the first byte of a head to its last; over it 408"),
    idleTimeout: timeout("60s", "how long a client connection may wait for its next request"),
    bodyTimeout: timeout("30s", "longest pause of a body, in either direction"),
    minBodyRate: size(
      "240",
      "bytes per second that a request body must bring on average after the first 10 s; 0 is off",
    ),
    tunnelIdleTimeout: timeout("1h", "how long an upgraded connection, or one that is passed on, may be silent"),
    webSocketPing: duration(
      "0",
      "silence after which a side of a WebSocket is sent a ping; without an answer for as long again it is closed; 0 is off",
    ),
  },
  strict,
);
export type LimitsConfig = Static<typeof LimitsSchema>;

export const ListenerSchema = Type.Object(
  {
    listen: stringList("addresses: host:port, [v6]:port, :port (every address), unix:/path; port 0 takes a free one", {
      minItems: 1,
      check: "listenAddress",
    }),
    protocol: Type.Unsafe<"http">({
      type: "string",
      enum: ["http"],
      default: "http",
      "x-planned-values": ["tcp", "udp"],
      description: "protocol of the clients",
    }),
    trustedProxies: stringList(
      "client addresses (single or ranges) whose X-Forwarded-*, Forwarded and X-Request-Id are believed",
      { default: [], check: "addressRange" },
    ),
    forwarded: Flag(false, "send Forwarded (RFC 7239) besides X-Forwarded-*"),
    tls: Type.Optional(ListenerTlsSchema),
    http2: switchable(Http2Schema, {}, "HTTP/2: by ALPN where there is TLS, by prior knowledge where there is none"),
    limits: LimitsSchema,
    routes: Type.Array(RouteSchema, { default: [], description: "the first one that matches is taken" }),
    pool: Type.Optional(Name("short form of a last route that matches everything and goes to this pool")),
  },
  { ...strict, "x-planned": ["proxyProtocol"] },
);
export type ListenerConfig = Static<typeof ListenerSchema>;

export const AdminSchema = Type.Object(
  {
    listen: Type.String({
      minLength: 1,
      default: "127.0.0.1:9900",
      "x-check": "listenAddress",
      description: "address of the REST interface; `admin: off` turns it off",
    }),
    token: Type.Optional(
      Type.String({
        minLength: 16,
        "x-secret": true,
        description: "bearer token; required when the address is not loopback",
      }),
    ),
  },
  strict,
);

export type AdminConfig = Static<typeof AdminSchema>;

export const ConfigSchema = Type.Object(
  {
    workers: Type.Unsafe<number>({
      "x-evenkeel": "workers",
      anyOf: [{ type: "integer", minimum: 0, maximum: 256 }, { const: "auto" }],
      default: "auto",
      description: "data-plane threads; auto (or 0) is the number of available cores",
    }),
    admin: switchable(AdminSchema, {}, "the REST interface; off turns it off"),
    modules: stringList(
      "own algorithms, filters, health checks and sources of servers: module paths, relative to this file",
      { default: [] },
    ),
    zone: Type.Optional(Name("where this node stands: pools prefer servers of the same zone")),
    store: Type.Unsafe<string>({
      type: "string",
      default: "memory:",
      "x-check": "store",
      description: "where the history of health checks is kept: memory: or sqlite:FILE",
    }),
    certificateStore: Type.String({
      minLength: 1,
      default: "evenkeel-certificates",
      description:
        "directory for certificates that came by ACME or over REST, and their keys; readable by this user alone",
    }),
    maxServers: Type.Integer({
      default: 16_384,
      minimum: 1,
      maximum: 1_000_000,
      description: "servers that the shared memory has room for; fixed at start",
    }),
    drainTimeout: duration("30s", "how long requests in flight may take to end after SIGTERM"),
    listeners: Type.Record(Type.String(), ListenerSchema, {
      default: {},
      "x-key-check": "name",
      description: "name: an address that clients connect to, and its routes",
    }),
    pools: Type.Record(Type.String(), PoolSchema, {
      default: {},
      "x-key-check": "name",
      description: "name: a group of servers with one balancing algorithm",
    }),
  },
  { ...strict, "x-planned": ["cluster", "logging", "accessLog", "metrics", "tracing", "gslb"] },
);
/** The whole configuration, normalised. */
export type Config = Static<typeof ConfigSchema>;
