import type { Contestant } from "./contestant.ts";
import { direct } from "./direct.ts";
import { evenkeelHttp2 } from "./evenkeel-http2.ts";
import { evenkeel } from "./evenkeel.ts";
import { haproxy } from "./haproxy.ts";
import { nginx } from "./nginx.ts";
import { fastifyHttpProxy, httpProxy3, httpxy, plainRelay } from "./node-peers.ts";

/** Every contestant by name, in the order of the tables. */
export const contestants: readonly Contestant[] = [
  direct,
  nginx,
  haproxy,
  evenkeel,
  evenkeelHttp2,
  plainRelay,
  httpProxy3,
  httpxy,
  fastifyHttpProxy,
];

/** Who takes part when the command line names nobody; `direct` joins where latency is the question. */
export const defaultContestants: readonly string[] = [
  "nginx",
  "haproxy",
  "evenkeel",
  "evenkeel-http2",
  "http-proxy-3",
  "httpxy",
  "fastify-http-proxy",
];
