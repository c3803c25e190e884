import type { UpstreamConfig } from "../../config/schema.ts";
import type { ProxyError } from "../../core/errors.ts";
import type { ResponseHead } from "../../http1/response-head.ts";
import type { SocketTarget } from "../transport.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { ServerTls } from "./server-tls.ts";

/** Who uses a connection for one request: gets the answer as it comes. */
export interface UpstreamUser {
  /** The request's method, for the answer's framing. */
  readonly method: string;
  /** True when the request asked for an upgrade and no answer has come. */
  readonly wantsUpgrade: boolean;
  /** When the request's head was sent last, by the clock; 0 before. */
  readonly sentAt: number;
  /** Longest pause of the answer's body, in ms. */
  readonly bodyTimeout: number;
  /** True when the answer's head is needed for longer than the call that brings it. */
  readonly keepsHead: boolean;
  /** Whether a chunked body may come as one piece with its framing, in `onWholeResponse`. */
  readonly takesChunks: boolean;
  /** The connection is there; the request may be written. Not called for a reused connection. */
  onConnected(): void;
  onUpstreamDrain(): void;
  /** A 1xx answer other than 101. */
  onInformational(head: ResponseHead): void;
  /** A short answer that came in one piece: the head, and its body as received in `text` from `start` to `end`. */
  onWholeResponse(head: ResponseHead, text: string, start: number, end: number): void;
  /** The head of an answer whose body follows; `more` when bytes of it are there and come next. */
  onResponseHead(head: ResponseHead, kind: number, more: boolean): void;
  /** Received bytes of the body without framing; false pauses until `resumeReading`. May take the connection's buffer. */
  onResponseData(buffer: Buffer, start: number, end: number): boolean;
  /** The answer is complete and the connection is no longer the user's. */
  onResponseEnd(trailers: string): void;
  /** 101: from now on raw bytes go both ways; `rest` has come behind the head. */
  onUpgraded(head: ResponseHead, rest: Buffer): void;
  onTunnelData(buffer: Buffer, start: number, end: number): boolean;
  onTunnelEnd(): void;
  /**
   * The server turned out to be dead while the request waits for an answer. True when the user has gone elsewhere and
   * given the connection up.
   */
  onServerSuspect(error: ProxyError): boolean;
  /** The server's time is over: a tunnel ends in good order. */
  onServerClosing(): void;
  /** It failed; the connection is no longer the user's. */
  onUpstreamFailure(error: ProxyError, reused: boolean): void;
}

/** What a connection belongs to: the connections of one worker to one server. */
export interface ServerHome {
  /** Where the server listens. */
  readonly address: SocketTarget;
  /** How connections to it are encrypted; null: not at all. */
  readonly tls: ServerTls | null;
  /** The server's place in the scoreboard. */
  readonly slot: number;
  readonly config: UpstreamConfig;
  readonly context: WorkerContext;
  /** How many connections there are, used or not. */
  readonly size: number;
  /** When anything last came from the server, by `context.now`. */
  heardAt: number;
  /** A connection was made. */
  reached(): void;
  /** No connection could be made. `code`: the system's, or "timeout". */
  unreachable(reason: string, code: string | undefined): void;
  /** An answer was refused. */
  refused(reason: string): void;
}

/** The home of connections that carry one request at a time. */
export interface ConnectionHome<Connection> extends ServerHome {
  /** The connection has done its work and may be used again. */
  release(connection: Connection): void;
  /** The connection is gone. */
  closed(connection: Connection): void;
}
