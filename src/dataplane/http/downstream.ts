import type { Answer } from "../../core/filtering/filter.ts";
import type { RequestHead } from "../../http1/request-head.ts";
import type { TlsSession } from "../tls/tls-session.ts";
import type { AnswerWriter } from "./answer-writer.ts";
import type { AnswerableError } from "./error-answer.ts";

/** A connection to a server, as far as what is written to the client has to do with it. */
export interface BufferLender {
  /** What was handed on still lies in the connection's read buffer: its next read must go elsewhere. */
  replaceBuffer(): void;
}

/** What an answer that the proxy makes itself depends on. */
export interface AnsweredRequest {
  readonly head: RequestHead;
  readonly id: string;
  /** Lets the route's filters edit the head of an answer that did not come from a server. */
  editOwnHead(text: string): string;
}

/** The client's side of an exchange: takes the answer, and is told what becomes of the request. */
export interface Downstream {
  readonly secure: boolean;
  /** What the TLS handshake has settled; null without TLS. */
  readonly tls: TlsSession | null;
  /** What writes answers in the client's protocol; null: as HTTP/1, by `write`. */
  readonly ownWriter: AnswerWriter | null;
  /** Bytes written that the kernel has not taken. */
  readonly unsent: number;
  /** More than enough was written; `UpstreamLeg.resume` is called when it is gone. */
  readonly needsDrain: boolean;
  /** Strings are latin1. Buffers must stay as they are until `unsent` is 0. */
  write(data: string | Uint8Array): void;
  /** Collects what is written until `uncork`, so that it leaves in one system call. */
  cork(): void;
  uncork(): void;
  /** The request's body may flow again. */
  resumeReading(): void;
  /** The lines of the answer's head that are about the client's connection. */
  connectionLine(minor: 0 | 1): string;
  closeAfterAnswer(): void;
  /** The lines that tell the server about the client. */
  forwardedLines(head: RequestHead): string;
  answer(request: AnsweredRequest, answer: Answer): void;
  answerError(request: AnsweredRequest, error: AnswerableError, message: string): void;
  /** One more exchange is over, with that status (0: none) and after that many ms. */
  count(status: number, duration: number): void;
  /** The exchange is over and its answer written. */
  exchangeDone(): void;
  /** The exchange is over because there is no client any more. */
  forget(): void;
  /** Ends the connection without ceremony. */
  cut(): void;
  /** From now on bytes go both ways; `rest` has come from the server already. */
  becomeTunnel(head: string, rest: Buffer): void;
  tunnelWrite(bytes: Buffer, from: BufferLender): boolean;
  /** The server has sent its last byte. */
  tunnelEnded(): void;
  /** The server's connection is gone. */
  tunnelClosed(): void;
  /**
   * The tunnel must end, because its server does: a WebSocket gets a Close frame 1001 on both sides, others the ends of
   * their streams. The leg keeps its connection; it learns of the end by its connection's end, or by `Exchange.clientGone`
   * after TUNNEL_CLOSE_GRACE and a little more. Nothing happens if there is no tunnel or it is ending already.
   */
  closeTunnel(): void;
}
