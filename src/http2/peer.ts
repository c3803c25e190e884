import type { FieldList } from "./field-list.ts";

/*
 * What the users of an HTTP/2 connection (the data plane's two sides) and the connection itself (connection.ts) know of
 * each other. The connection has no I/O and no timers: bytes go in by `receive`, and come out by `takeOutput`.
 */

/** What a connection is told about itself. */
export interface Http2ConnectionOptions {
  readonly role: "server" | "client";
  /** What the peer is told in our SETTINGS. */
  readonly maxConcurrentStreams: number;
  readonly streamWindow: number;
  readonly connectionWindow: number;
  readonly maxFrameSize: number;
  readonly headerTableSize: number;
  /** RFC 8441: extended CONNECT is understood (server role). */
  readonly enableConnectProtocol: boolean;
  /** Bytes of one header block, as RFC 9113 6.5.2 counts them, and number of its fields. */
  readonly maxHeadSize: number;
  readonly maxHeaders: number;
  readonly limits: AbuseLimits;
  /** Milliseconds, monotonous; the limits count in windows of 10 s. May be coarse. */
  now(): number;
}

/** See `Http2Schema` in config/tls-schema.ts. */
export interface AbuseLimits {
  readonly maxResets: number;
  readonly maxPings: number;
  readonly maxSettings: number;
  readonly maxContinuations: number;
  readonly maxEmptyFrames: number;
  readonly maxQueuedReplies: number;
}

/** The owner of a connection. */
export interface Http2Owner {
  /** Server role: the peer has opened a stream; its head comes next, by `onHead` of the returned user. */
  onStream(stream: Http2Stream): StreamUser;
  /** Something waits to be sent: `takeOutput` should be called before the event loop turns. Called once per batch. */
  onOutput(): void;
  /** The peer's settings have changed (they have come for the first time, most often). */
  onSettings(): void;
  /** The peer will not work on streams above `last`; streams of ours above it have got `onReset` with `processed` false. */
  onGoAway(last: number, code: number): void;
  /** The answer to a ping of ours. */
  onPong(): void;
  /**
   * The connection is over: an error of the peer, of which it is told by a GOAWAY that waits in the output. All streams
   * have got `onReset` before. `code` is an `ErrorCode`; `reason` is a sentence for the log; `abuse` is the name of the limit
   * that was exceeded, or "".
   */
  onConnectionError(code: number, reason: string, abuse: string): void;
}

/** Who gets what comes on one stream. */
export interface StreamUser {
  /**
   * A header block is complete and decoded: the request's or (after any number of 1xx) the answer's head, then trailers at
   * most once. The list is valid until this returns. `end`: nothing follows. Whether the fields make sense is for the user to
   * say; the codec has checked what is about the block.
   */
  onHead(fields: FieldList, end: boolean): void;
  /** Bytes of the body in buffer[from, to), valid until this returns. To be credited by `stream.consumed`, at once or later. `end`: nothing follows. */
  onData(buffer: Buffer, from: number, to: number, end: boolean): void;
  /**
   * The stream is over without a proper end: reset by the peer, by a violation of its own, or with its connection.
   * `processed` is false when the peer has certainly not worked on it (REFUSED_STREAM, or above GOAWAY's last stream).
   */
  onReset(code: number, processed: boolean): void;
  /** Most of what was sent is on its way to the socket, after `needsDrain` had been true. */
  onDrain(): void;
  /**
   * The end of what we send has gone into the output: nothing waits here any more. Called at most once, also from within
   * `sendHead`, `sendData` and `sendEnd`; not for a stream that was reset before.
   */
  onSent(): void;
}

/** One stream, as its user sees it. */
export interface Http2Stream {
  /** 0 for a stream of the client role until its head is sent: identifiers must go out in order. */
  readonly id: number;
  /** Bytes of the body that wait here for the peer's window or the socket. */
  readonly unsent: number;
  /** Bytes wait here although the peer would take them on this stream: others go first, or nothing goes at all. */
  readonly waitsForTurn: boolean;
  /** More than enough waits; `onDrain` tells when most of it is gone. */
  readonly needsDrain: boolean;
  /** Nothing more can be sent: we have given the end, or the stream was reset. */
  readonly sendingEnded: boolean;
  /** Both sides have ended, or one has reset it. */
  readonly closed: boolean;
  /**
   * Bytes of the body that the head promised (Content-Length), -1 if it did not say: set within `onHead`. A body that does
   * not fit is a violation of the stream (RFC 9113 8.1.1): `onReset`, before anything says `end`. When `onHead` itself says
   * `end`, the comparison is the user's.
   */
  expectedLength: number;
  /** Urgency and whether parts of several answers may be mixed (RFC 9218); 3 and false unless set. */
  setPriority(urgency: number, incremental: boolean): void;
  /** Urgency and incrementality from the value of a `priority` field; a PRIORITY_UPDATE of the peer wins over it. */
  setPriorityField(value: string): void;
  /**
   * Sends the fields that the connection's `encoder` has got since `encoder.begin()`, as a head or as trailers. Trailers
   * must be begun by `encoder.begin(true)`, because they may have to wait. Throws when nothing can be sent any more: the
   * encoder's table would differ from the peer's, so ask `sendingEnded` before `begin`.
   */
  sendHead(end: boolean): void;
  /**
   * Sends bytes[from, to) of the body, all of them unless said; they are copied, so the buffer is the caller's again.
   * Nothing happens when the stream is over or its end was sent.
   */
  sendData(bytes: Uint8Array, end: boolean, from?: number, to?: number): void;
  /** Sends the end without anything before it. */
  sendEnd(): void;
  /** That many received bytes of the body were used up: the peer may send as many more. */
  consumed(bytes: number): void;
  /**
   * Ends the stream at once, both ways. `user` hears nothing more. Harmless on a closed one. `provoked`: because of what the
   * peer did; counts towards `maxResets`.
   */
  reset(code: number, provoked?: boolean): void;
  /**
   * The user's work for the stream is over. Only from then on, and when it is closed, does it not count against
   * `maxConcurrentStreams`: work that goes on behind a stream that was reset counts. Bytes that were not `consumed` are credited.
   */
  release(): void;
}
