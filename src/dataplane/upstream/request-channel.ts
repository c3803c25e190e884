/**
 * One exchange's way to a server: an HTTP/1.1 connection, or a stream of an HTTP/2 connection. Whoever got it from
 * `ServerConnections.acquire` writes one request; the answer comes by the calls of `UpstreamUser`.
 */
export interface RequestChannel {
  /** The connection is made; before that only `destroy` is allowed. */
  readonly connected: boolean;
  /** Requests were answered on this connection before, so that a lost connection may only mean that it was old. */
  readonly reused: boolean;
  /** Bytes written that must stay as they are. */
  readonly unsent: number;
  /** More than enough is unsent; `onUpstreamDrain` tells when it is gone. */
  readonly needsDrain: boolean;
  /** It is the client's turn: the rest of the request's body has not come from it. */
  readonly waitsForBody: boolean;
  /** Whether some of the request has not been sent. */
  readonly incomplete: boolean;
  /** When the last byte so far was sent, by `context.now`. */
  readonly lastSentAt: number;
  /** The client's pauses may have made the server give up: how the exchange ended says nothing about the server. */
  readonly keptWaiting: boolean;
  /**
   * Writes the request's head: an HTTP/1.1 head with its blank line. Without a body, `requestSent` follows.
   *
   * @param chunked the body's length is not known: it goes on in chunks, as the head says
   */
  sendHead(text: string, chunked: boolean): void;
  /** Writes bytes of the body, without framing; they must stay as they are until `unsent` is 0. */
  sendBody(bytes: Uint8Array): void;
  /** The request is complete. `trailers`: complete lines, or "". */
  requestSent(trailers: string): void;
  /** Writes raw bytes of a tunnel, after the answer has switched protocols. */
  sendTunnel(bytes: Uint8Array): void;
  /** Ends the sending half of a tunnel. */
  endTunnel(): void;
  /** Collects what is written until `uncork`, so that it leaves in one system call. */
  cork(): void;
  uncork(): void;
  pauseReading(): void;
  resumeReading(): void;
  /** The user took the bytes that it was given; the next read goes elsewhere. */
  replaceBuffer(): void;
  /** Gives the exchange up; the user hears nothing more. */
  destroy(): void;
}
