import type { ListenerConfig } from "../../config/schema.ts";
import type { Http2Config } from "../../config/tls-schema.ts";
import type { Http2ConnectionOptions } from "../../http2/peer.ts";
import type { WorkerContext } from "../worker-context.ts";
import { SUSPECT_LIMITS } from "./suspects.ts";

/** The codec's settings for clients of a listener, which must speak HTTP/2. */
export function codecOptions(
  config: ListenerConfig,
  context: WorkerContext,
  isSuspect: boolean,
): Http2ConnectionOptions {
  const { limits } = config;
  if (config.http2 === false) throw new Error("HTTP/2 is off on this listener");
  const http2 = isSuspect ? restricted(config.http2) : config.http2;
  return {
    role: "server",
    maxConcurrentStreams: http2.maxStreams,
    streamWindow: http2.streamWindow,
    connectionWindow: http2.connectionWindow,
    maxFrameSize: http2.maxFrameSize,
    headerTableSize: http2.headerTableSize,
    enableConnectProtocol: true,
    maxHeadSize: limits.maxHeadSize,
    maxHeaders: limits.maxHeaders,
    limits: http2,
    now: () => context.now,
  };
}

function restricted(http2: Http2Config): Http2Config {
  const { maxStreams, maxResets } = SUSPECT_LIMITS;
  return {
    ...http2,
    maxStreams: Math.min(http2.maxStreams, maxStreams),
    maxResets: Math.min(http2.maxResets, maxResets),
  };
}
