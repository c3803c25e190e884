import type { HpackEncoder } from "../../../http2/hpack/encoder.ts";
import type { ServerHome } from "../upstream-user.ts";
import type { UpstreamStream } from "./upstream-stream.ts";

/** The HTTP/2 connection that a request's stream is part of, as far as the stream knows it. */
export interface StreamHost {
  readonly home: ServerHome;
  readonly encoder: HpackEncoder;
  /** Requests were answered on this connection before. */
  readonly reused: boolean;
  /** The server understands extended CONNECT (RFC 8441). */
  readonly allowsConnectProtocol: boolean;
  /** What `receive` is reading at the moment is the connection's own buffer, which can be taken away. */
  takeBuffer(): void;
  /**
   * The stream's head is not passed on before more of it comes, or the read that brought it ends (`flushHead`). One at a
   * time: `flushHeld` passes the other one on.
   */
  hold(stream: UpstreamStream): void;
  flushHeld(): void;
  /** The stream's head is held no longer, if it was. */
  letGo(stream: UpstreamStream): void;
  /** The stream belongs to nobody any more; `answered`: its answer came as a whole. */
  ended(stream: UpstreamStream, answered: boolean): void;
}
