import type { Answer } from "../../core/filtering/filter.ts";
import type { RequestHead } from "../../http1/request-head.ts";
import type { TlsSession } from "../tls/tls-session.ts";
import type { AnswerSink, AnswerWriter } from "./answer-writer.ts";
import type { BufferLender } from "./buffer-lender.ts";
import type { AnswerableError } from "./error-answer.ts";

/** What an answer that the proxy makes itself depends on. */
export interface AnsweredRequest {
  readonly head: RequestHead;
  readonly id: string;
  /** Lets the route's filters edit the head of an answer that did not come from a server. */
  editOwnHead(text: string): string;
}

/** The client's side of an exchange: takes the answer, and is told what becomes of the request. */
export interface Downstream extends AnswerSink {
  readonly secure: boolean;
  /** What the TLS handshake has settled; null without TLS. */
  readonly tls: TlsSession | null;
  /** What writes answers in the client's protocol; null: as HTTP/1, by `write`. */
  readonly ownWriter: AnswerWriter | null;
  /** The request's body may flow again. */
  resumeReading(): void;
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
