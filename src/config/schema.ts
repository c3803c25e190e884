import { Type, type Static } from "typebox";
import { duration, size, stringList } from "./fields.ts";

/*
 * The configuration: the single source for types, validation, defaults, `evenkeel schema` and documentation.
 * The static types below are the normalised form: defaults filled in, durations in ms, sizes in bytes, short forms
 * (a server as a string, an algorithm as a name) written out.
 */

const strict = { additionalProperties: false } as const;
const Name = (description: string) => Type.String({ minLength: 1, maxLength: 100, description });

export const ServerSchema = Type.Object(
  {
    address: Type.String({ minLength: 1, description: "host:port, [v6]:port or unix:/path" }),
    id: Type.Optional(Name("stable name; the address when absent")),
    weight: Type.Integer({ default: 1, minimum: 0, maximum: 65535, description: "share of the traffic; 0 takes no new work" }),
    priority: Type.Integer({ default: 0, minimum: 0, maximum: 128, description: "lower is preferred; higher ones are used when no lower one is ready" }),
    zone: Type.Optional(Name("where the server stands")),
    maxConnections: Type.Integer({ default: 0, minimum: 0, description: "most requests in flight; 0 is no limit" }),
  },
  { ...strict, "x-evenkeel": "server", "x-short": "a string is the address" },
);
export type ServerConfig = Static<typeof ServerSchema>;

/** Its own settings stand beside `name`; they are checked against the algorithm's schema in the registry. */
export interface AlgorithmConfig {
  readonly name: string;
  /** Where the hash key comes from, for algorithms that take one: client, host, path, uri, header:NAME, cookie:NAME, query:NAME. */
  readonly key: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

export const UpstreamSchema = Type.Object(
  {
    protocol: Type.Unsafe<"http1">({ type: "string", enum: ["http1"], default: "http1", description: "protocol spoken to the servers" }),
    connectTimeout: duration("5s", "time for a connection to be made"),
    responseTimeout: duration("60s", "time from the last byte sent to the head of the answer"),
    idleTimeout: duration("60s", "how long an unused connection is kept"),
    maxConnections: Type.Integer({ default: 1000, minimum: 1, description: "connections per server and node" }),
    maxIdle: Type.Integer({ default: 100, minimum: 0, description: "unused connections kept per server and worker" }),
    maxRequestsPerConnection: Type.Integer({ default: 0, minimum: 0, description: "requests after which a connection is closed; 0 is no limit" }),
    prewarm: Type.Integer({ default: 0, minimum: 0, description: "connections per server and worker that are opened before they are needed" }),
  },
  strict,
);
export type UpstreamConfig = Static<typeof UpstreamSchema>;

export const RetriesSchema = Type.Object(
  {
    attempts: Type.Integer({ default: 2, minimum: 0, maximum: 10, description: "further tries after a failed one, each on another server; 0 turns retries off" }),
    bufferLimit: size("64KiB", "request bodies up to this size are kept, so that they can be sent again"),
  },
  strict,
);

export const PoolSchema = Type.Object(
  {
    algorithm: Type.Unsafe<AlgorithmConfig>({ "x-evenkeel": "algorithm", default: "weighted_round_robin", description: "how a server is chosen: a name, or an object with the name and its settings" }),
    servers: Type.Array(ServerSchema, { default: [] }),
    retries: RetriesSchema,
    upstream: UpstreamSchema,
    drainTimeout: duration("5m", "how long exchanges with a removed server may go on"),
  },
  strict,
);
export type PoolConfig = Static<typeof PoolSchema>;

export const MatchSchema = Type.Object(
  {
    host: Type.Optional(stringList("exact name, *.example.com (any depth below), or example.*; without port")),
    path: Type.Optional(stringList("/exact, /prefix/*, a glob with * (within a segment) and ** (across), or ~regular expression")),
    methods: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    headers: Type.Optional(Type.Record(Type.String(), Type.String(), { description: "name: value; * any value, ~regular expression, !value not equal, ! absent" })),
    cookies: Type.Optional(Type.Record(Type.String(), Type.String())),
    query: Type.Optional(Type.Record(Type.String(), Type.String())),
    client: Type.Optional(stringList("client addresses: single ones or CIDR")),
  },
  strict,
);
export type MatchConfig = Static<typeof MatchSchema>;

export const RedirectSchema = Type.Object(
  {
    status: Type.Unsafe<number>({ type: "integer", enum: [301, 302, 303, 307, 308], default: 308 }),
    scheme: Type.Optional(Type.Unsafe<"http" | "https">({ type: "string", enum: ["http", "https"] })),
    host: Type.Optional(Name("other host, with port if needed")),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
    path: Type.Optional(Type.String({ description: "other path; the query is kept" })),
    stripPrefix: Type.Optional(Type.String({ pattern: "^/", description: "taken off the front of the path" })),
    addPrefix: Type.Optional(Type.String({ pattern: "^/", description: "put in front of the path" })),
    query: Type.Unsafe<boolean>({ type: "boolean", default: true, description: "keep the query" }),
  },
  strict,
);
export type RedirectConfig = Static<typeof RedirectSchema>;

export const RespondSchema = Type.Object(
  {
    status: Type.Integer({ default: 200, minimum: 200, maximum: 599 }),
    headers: Type.Record(Type.String(), Type.String(), { default: {} }),
    body: Type.String({ default: "" }),
  },
  strict,
);
export type RespondConfig = Static<typeof RespondSchema>;

export const RewriteSchema = Type.Object(
  {
    stripPrefix: Type.Optional(Type.String({ pattern: "^/", description: "taken off the front of the path" })),
    addPrefix: Type.Optional(Type.String({ pattern: "^/", description: "put in front of the path" })),
    path: Type.Optional(Type.String({ pattern: "^/", description: "replaces the whole path" })),
    regex: Type.Optional(Type.String({ description: "regular expression over the path, with `to`" })),
    to: Type.Optional(Type.String({ description: "replacement for `regex`; $1 … are groups" })),
    host: Type.Optional(Name("Host that the server gets")),
  },
  strict,
);
export type RewriteConfig = Static<typeof RewriteSchema>;

/** One filter of a route: `- headers: { … }` in the file. */
export interface FilterConfig {
  readonly name: string;
  readonly settings: unknown;
}

export const RouteSchema = Type.Object(
  {
    name: Type.Optional(Name("for logs, metrics and the API; its position when absent")),
    match: Type.Optional(MatchSchema),
    filters: Type.Unsafe<FilterConfig[]>({ "x-evenkeel": "filters", default: [] }),
    rewrite: Type.Optional(RewriteSchema),
    pool: Type.Optional(Name("where the request goes")),
    split: Type.Optional(
      Type.Array(Type.Object({ pool: Name("a pool"), weight: Type.Integer({ minimum: 0, maximum: 1_000_000 }) }, strict), { minItems: 1 }),
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
    maxHeaders: Type.Integer({ default: 100, minimum: 1, maximum: 1000, description: "most header fields; over it 431" }),
    maxBodySize: size("0", "longest request body; over it 413; 0 is no limit, for bodies are streamed"),
    maxConnections: Type.Integer({ default: 20_000, minimum: 1, description: "client connections per listener and node" }),
    maxRequestsPerConnection: Type.Integer({ default: 0, minimum: 0, description: "requests after which a client connection is closed; 0 is no limit" }),
    headTimeout: duration("10s", "time from the first byte of a head to its last; over it 408"),
    idleTimeout: duration("60s", "how long a client connection may wait for its next request"),
    bodyTimeout: duration("30s", "longest pause of a body, in either direction"),
    minBodyRate: size("240", "bytes per second that a request body must bring on average after the first 10 s; 0 is off"),
    tunnelIdleTimeout: duration("1h", "how long an upgraded connection may be silent"),
  },
  strict,
);
export type LimitsConfig = Static<typeof LimitsSchema>;

export const ListenerSchema = Type.Object(
  {
    listen: stringList("addresses: host:port, [v6]:port, :port, unix:/path; port 0 takes a free one", { minItems: 1 }),
    protocol: Type.Unsafe<"http">({ type: "string", enum: ["http"], default: "http" }),
    trustedProxies: stringList("client addresses (single or CIDR) whose X-Forwarded-*, Forwarded and X-Request-Id are believed", { default: [] }),
    forwarded: Type.Unsafe<boolean>({ type: "boolean", default: false, description: "send Forwarded (RFC 7239) besides X-Forwarded-*" }),
    limits: LimitsSchema,
    routes: Type.Array(RouteSchema, { default: [] }),
    pool: Type.Optional(Name("short form of one route that matches everything")),
  },
  strict,
);
export type ListenerConfig = Static<typeof ListenerSchema>;

export const AdminSchema = Type.Object(
  {
    listen: Type.String({ default: "127.0.0.1:9900", description: "address of the REST interface; `admin: off` turns it off" }),
    token: Type.Optional(Type.String({ minLength: 16, description: "bearer token; required when the address is not loopback" })),
  },
  strict,
);

export const ConfigSchema = Type.Object(
  {
    workers: Type.Unsafe<number>({ "x-evenkeel": "workers", anyOf: [{ type: "integer", minimum: 1, maximum: 256 }, { const: "auto" }], default: "auto", description: "data-plane threads; auto is the number of available cores (the value 0)" }),
    admin: Type.Unsafe<Static<typeof AdminSchema> | false>({ "x-evenkeel": "admin" }),
    modules: stringList("own algorithms and filters: module paths, relative to this file", { default: [] }),
    maxServers: Type.Integer({ default: 16_384, minimum: 1, maximum: 1_000_000, description: "servers that the shared memory has room for; fixed at start" }),
    drainTimeout: duration("30s", "how long requests in flight may take to end after SIGTERM"),
    listeners: Type.Record(Type.String(), ListenerSchema, { default: {} }),
    pools: Type.Record(Type.String(), PoolSchema, { default: {} }),
  },
  strict,
);
/** The whole configuration, normalised. */
export type Config = Static<typeof ConfigSchema>;
