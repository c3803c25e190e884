import type { Http2ConnectionOptions } from "../../../http2/peer.ts";
import type { ServerHome } from "../upstream-user.ts";

/** Bytes of one answer's body that may be on their way to a client that does not take them. */
const STREAM_WINDOW = 256 * 1024;
/** Greatest window there is (RFC 9113 6.9.1). */
const MAX_WINDOW = 0x7fffffff;

/**
 * Servers are believed more than clients are, and one connection of theirs carries the requests of many; but bounds there
 * must be. These are above what any server does that works, at a full core's rate of requests.
 */
const limits = {
  maxResets: 1_000_000,
  maxPings: 10_000,
  maxSettings: 1000,
  maxContinuations: 16,
  maxEmptyFrames: 1_000_000,
  maxQueuedReplies: 1024,
};

/** What our end of a connection to a server is told about itself. */
export function connectionOptions({ config, context }: ServerHome): Http2ConnectionOptions {
  return {
    role: "client",
    // Pushes, which are refused.
    maxConcurrentStreams: 0,
    streamWindow: STREAM_WINDOW,
    // A client that does not take its answer holds up nobody else's.
    connectionWindow: Math.min(MAX_WINDOW, STREAM_WINDOW * config.maxStreams),
    maxFrameSize: 16_384,
    headerTableSize: 4096,
    enableConnectProtocol: false,
    maxHeadSize: 65_536,
    maxHeaders: 256,
    limits,
    now: () => context.now,
  };
}
