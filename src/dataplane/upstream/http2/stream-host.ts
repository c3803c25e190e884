import type { HpackEncoder } from "../../../http2/hpack/encoder.ts";
import type { ServerHome } from "../upstream-user.ts";

/** A stream, as its connection's list knows it. */
export interface HostedStream {
  /** Passes the held head on, and what is there of the body; `more` when bytes of it come right behind. */
  flushHead(more: boolean): void;
}

/** The HTTP/2 connection that a request's stream is part of, as far as the stream knows it. */
export interface StreamHost {
  readonly home: ServerHome;
  readonly encoder: HpackEncoder;
  /** Requests were answered on this connection before. */
  readonly reused: boolean;
  /** The connection itself is gone. */
  readonly lost: boolean;
  /** The server understands extended CONNECT (RFC 8441). */
  readonly allowsConnectProtocol: boolean;
  /** What `receive` is reading at the moment is the connection's own buffer, which can be taken away. */
  takeBuffer(): void;
  /**
   * The stream's head is not passed on before more of it comes, or the read that brought it ends (`flushHead`). One at a
   * time: `flushHeld` passes the other one on.
   */
  hold(stream: HostedStream): void;
  flushHeld(): void;
  /** The stream's head is held no longer, if it was. */
  letGo(stream: HostedStream): void;
  /** The stream belongs to nobody any more; `answered`: its answer came as a whole. */
  ended(stream: HostedStream, answered: boolean): void;
}
