import { Type, type Static } from "typebox";
import { duration, Flag, Name, Share, size, strict, switchable, Text, timeout } from "./fields.ts";
import { RebalanceSchema } from "./rebalance-schema.ts";
import { RespondSchema } from "./route-parts-schema.ts";

/* The parts of a pool that are about failure: finding it out, avoiding it, surviving it. See schema.ts. */

/** What every health check has, whatever its type; the settings of the type stand beside these. */
export const HealthCheckSchema = Type.Object(
  {
    interval: timeout("5s", "time between checks of a healthy server"),
    unhealthyInterval: timeout("2s", "time between checks of an unhealthy server"),
    degradedInterval: timeout("5s", "time between checks of a degraded server"),
    unknownInterval: timeout("500ms", "time between checks of a server until its state is settled"),
    jitter: Share("10%", "chance part of each interval, so that checks do not come in waves"),
    timeout: timeout("2s", "time that a check may take"),
    unhealthyThreshold: Type.Integer({
      default: 3,
      minimum: 1,
      maximum: 1000,
      description: "failed checks in a row that make a server unhealthy; the very first check decides alone",
    }),
    healthyThreshold: Type.Integer({
      default: 2,
      minimum: 1,
      maximum: 1000,
      description: "good checks in a row that make it healthy again; one is enough while the pool has no ready server",
    }),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: "port of the check, if another" })),
    address: Type.Optional(Text("serverAddress", "address of the check, if another: then the same for all servers")),
    degradedLatency: duration("0", "a check that takes longer makes the server degraded; 0 is off"),
    degradedWeight: Share("50%", "share of its weight that a degraded server keeps"),
  },
  strict,
);
type HealthCheckTiming = Static<typeof HealthCheckSchema>;

/** One health check of a pool's servers; `settings` are those of its type, by the schema in the registry. */
export type HealthCheckConfig = HealthCheckTiming & {
  readonly type: string;
  readonly settings: Readonly<Record<string, unknown>>;
};

export const OutlierDetectionSchema = Type.Object(
  {
    consecutiveErrors: Type.Integer({
      default: 5,
      minimum: 0,
      maximum: 100_000,
      description: "answers 5xx or failures in a row that eject a server; 0 is off",
    }),
    consecutiveGatewayErrors: Type.Integer({
      default: 5,
      minimum: 0,
      maximum: 100_000,
      description: "answers 502, 503, 504, broken connections, bad answers or timeouts in a row; 0 is off",
    }),
    errorThreshold: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 100_000,
      description: "failures within `errorWindow` that eject a server, in a row or not; 0 is off",
    }),
    errorWindow: timeout("60s", "for `errorThreshold`"),
    silence: duration(
      "500ms",
      "a server that leaves several requests unanswered for so long, and for ten times its usual latency, is ejected; 0 is off",
    ),
    silentRequests: Type.Integer({
      default: 3,
      minimum: 1,
      maximum: 100_000,
      description: "requests without an answer that it takes for `silence`",
    }),
    interval: timeout("10s", "how often servers are compared with each other by success"),
    successRateDeviation: Type.Number({
      default: 1.9,
      minimum: 0,
      maximum: 10,
      description: "a success rate so many standard deviations below the mean ejects; 0 is off",
    }),
    successRateServers: Type.Integer({ default: 5, minimum: 2, description: "servers with enough requests it takes" }),
    successRateRequests: Type.Integer({ default: 100, minimum: 1, description: "requests per interval it takes" }),
    failurePercentage: Share("0%", "share of failures in an interval that ejects a server; 0 is off"),
    failurePercentageRequests: Type.Integer({ default: 50, minimum: 1, description: "requests per interval it takes" }),
    latencyFactor: Type.Number({
      default: 5,
      minimum: 0,
      maximum: 1000,
      description: "a mean latency so many times the median of the pool's servers ejects; 0 is off",
    }),
    latencyDifference: duration("20ms", "and at least so much above the median"),
    latencyInterval: timeout("200ms", "how often latencies are compared; three times in a row too slow ejects"),
    latencyRequests: Type.Integer({
      default: 5,
      minimum: 1,
      description: "answers of a server that it takes each time; fewer are kept for the next interval",
    }),
    ejectionTime: timeout("30s", "how long the first ejection lasts; the second twice as long, and so on"),
    maxEjectionTime: timeout("300s", "longest ejection"),
    maxEjected: Share("10%", "share of the pool's servers that may be ejected at a time; one always may"),
  },
  strict,
);
export type OutlierDetectionConfig = Static<typeof OutlierDetectionSchema>;

export const CircuitBreakerSchema = Type.Object(
  {
    failureThreshold: Type.Integer({
      default: 5,
      minimum: 1,
      maximum: 100_000,
      description: "failures in a row that open a server's breaker",
    }),
    recoveryTimeout: timeout("60s", "how long it stays open before trials"),
    halfOpenRequests: Type.Integer({
      default: 3,
      minimum: 1,
      maximum: 1000,
      description: "trials at a time while half-open; as many successes close it, one failure opens it again",
    }),
  },
  strict,
);
export type CircuitBreakerConfig = Static<typeof CircuitBreakerSchema>;

/** What a further try may follow upon. */
const usualRetryConditions = ["connect", "reset", "timeout", "bad_response", "status"] as const;
const retryConditions = [
  ...usualRetryConditions,
  "grpc_cancelled",
  "grpc_deadline_exceeded",
  "grpc_internal",
  "grpc_resource_exhausted",
  "grpc_unavailable",
] as const;
export type RetryCondition = (typeof retryConditions)[number];

export const RetriesSchema = Type.Object(
  {
    attempts: Type.Integer({
      default: 2,
      minimum: 0,
      maximum: 10,
      description: "further tries after a failed one, each on another server; 0 turns retries off",
    }),
    on: Type.Array(Type.Unsafe<RetryCondition>({ type: "string", enum: retryConditions }), {
      default: usualRetryConditions,
      description:
        "connect: nothing could be sent; reset: closed without an answer; timeout; bad_response; status; grpc_…: a gRPC answer that is nothing but this status",
    }),
    statuses: Type.Array(Type.Integer({ minimum: 400, maximum: 599 }), {
      default: [500, 502, 503, 504],
      description: "statuses for which another server is asked",
    }),
    nonIdempotent: Flag(false, "repeat POST and PATCH too after a server may have begun to work on them"),
    tryTimeout: duration(
      "0",
      "time for one try until the head of the answer, after which another server is asked, if one may be; 0 is off",
    ),
    budget: Share("20%", "retries per request over 10 s; what failed before anything was sent is not counted"),
    minRetriesPerSecond: Type.Number({
      default: 3,
      minimum: 0,
      description: "retries per worker that the budget always allows",
    }),
    backoff: duration(
      "25ms",
      "wait before the second retry, doubled for each further one, with jitter; the first is at once",
    ),
    maxBackoff: duration("250ms", "longest wait"),
    bufferLimit: size("64KiB", "request bodies up to this size are kept, so that they can be sent again"),
  },
  { ...strict, "x-off": "attempts: 0" },
);
export type RetriesConfig = Static<typeof RetriesSchema>;

export const HedgingSchema = Type.Object(
  {
    percentile: Type.Number({
      default: 95,
      minimum: 50,
      maximum: 99.9,
      description:
        "when a request has waited longer than this share (in percent) of the answers took, a second one is sent",
    }),
    minDelay: duration("5ms", "never earlier than this"),
    maxDelay: timeout("1s", "at the latest after this"),
    budget: Share("10%", "second requests per request over 10 s"),
  },
  strict,
);
export type HedgingConfig = Static<typeof HedgingSchema>;

export const QueueSchema = Type.Object(
  {
    limit: Type.Integer({
      default: 1024,
      minimum: 0,
      maximum: 1_000_000,
      description: "requests per worker that may wait while every server has its `maxConnections`; 0 turns waiting off",
    }),
    timeout: timeout("1s", "longest wait; after it 503"),
  },
  { ...strict, "x-off": "limit: 0" },
);
export type QueueConfig = Static<typeof QueueSchema>;

export const AdaptiveConcurrencySchema = Type.Object(
  {
    initial: Type.Integer({ default: 20, minimum: 1, description: "requests in flight per worker to begin with" }),
    minimum: Type.Integer({ default: 4, minimum: 1, description: "never fewer" }),
    maximum: Type.Integer({ default: 1000, minimum: 1, description: "never more" }),
    tolerance: Type.Number({
      default: 1.5,
      minimum: 1,
      maximum: 10,
      description: "latency may rise to so many times the long-term mean before the limit falls",
    }),
  },
  strict,
);
export type AdaptiveConcurrencyConfig = Static<typeof AdaptiveConcurrencySchema>;

export const SlowStartSchema = Type.Object(
  {
    window: duration("0", "time in which a server that has come back gets up to its full weight; 0 is off"),
    aggression: Type.Number({
      default: 1,
      minimum: 0.1,
      maximum: 10,
      description: "1 rises linearly; above it faster at first",
    }),
    minimumShare: Share("10%", "share of its weight that it begins with"),
  },
  { ...strict, "x-off": "0" },
);
export type SlowStartConfig = Static<typeof SlowStartSchema>;

export const DegradationSchema = Type.Object(
  {
    full: Share("70%", "from this share of ready servers on every request is served"),
    reduced: Share("30%", "from this share on all but routes of importance low; below it only critical ones"),
    answer: Type.Optional(
      Type.Unsafe<Static<typeof RespondSchema>>({
        ...RespondSchema,
        properties: { ...RespondSchema.properties, status: { ...RespondSchema.properties.status, default: 503 } },
        description: "what is answered to the others, and to all when no server is ready; default: the error 503",
      }),
    ),
  },
  strict,
);
export type DegradationConfig = Static<typeof DegradationSchema>;

/** A source of servers; `settings` are those of its type, by the schema in the registry. */
export interface DiscoveryConfig {
  readonly type: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The keys of a pool that these parts make up. */
export const poolFailureParts = {
  healthCheck: Type.Unsafe<HealthCheckConfig[]>({
    "x-evenkeel": "healthChecks",
    default: [],
    description: "one check or a list of them, all of which must succeed; see the types below",
  }),
  outlierDetection: switchable(
    OutlierDetectionSchema,
    {},
    "servers that fail or are slow under traffic are left out for a time",
  ),
  circuitBreaker: switchable(CircuitBreakerSchema, "off", "a breaker for each server"),
  retries: RetriesSchema,
  hedging: switchable(HedgingSchema, "off", "a second request to another server when the first takes unusually long"),
  queue: QueueSchema,
  adaptiveConcurrency: switchable(
    AdaptiveConcurrencySchema,
    "off",
    "a limit on requests in flight that follows the latency",
  ),
  slowStart: Type.Unsafe<SlowStartConfig>({
    "x-evenkeel": "slowStart",
    ...SlowStartSchema,
    description: "a server that comes back gets its traffic little by little: a time, or an object",
  }),
  rebalance: switchable(
    RebalanceSchema,
    "off",
    "WebSockets of servers that have more than their share are closed (1012) little by little, so that their clients come back and new servers get some",
  ),
  panicThreshold: Share(
    "50%",
    "when fewer servers are ready, those are used as well that only their checks or errors speak against; 0 is off",
  ),
  overprovisioning: Type.Number({
    default: 1.4,
    minimum: 1,
    maximum: 100,
    description: "a priority (or the own zone) spills over to the next when its ready share times this is below 1",
  }),
  minimumHealthy: Type.Integer({
    default: 1,
    minimum: 0,
    description: "with fewer ready servers the pool counts as failed; errors under traffic never eject below it",
  }),
  failOpen: Flag(false, "with no server ready, try all of them instead of answering 503"),
  fallbackPool: Type.Optional(Name("pool that takes the requests while this one has failed")),
  degradation: switchable(
    DegradationSchema,
    "off",
    "what is served while few servers are ready, by the importance of routes",
  ),
  discovery: Type.Optional(
    Type.Unsafe<DiscoveryConfig>({
      "x-evenkeel": "discovery",
      description: "where further servers come from: `type` and its settings; see the types below",
    }),
  ),
} as const;
