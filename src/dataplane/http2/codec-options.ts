import type { ListenerConfig } from "../../config/schema.ts";
import type { Http2ConnectionOptions } from "../../http2/peer.ts";
import type { WorkerContext } from "../worker-context.ts";

/** The codec's settings for clients of a listener, which must speak HTTP/2. */
export function codecOptions(config: ListenerConfig, context: WorkerContext): Http2ConnectionOptions {
  const { http2, limits } = config;
  if (http2 === false) throw new Error("HTTP/2 is off on this listener");
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
