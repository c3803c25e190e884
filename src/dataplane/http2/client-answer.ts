import { grpcErrorAnswer } from "../../core/grpc/error-answer.ts";
import type { Answer } from "../../core/filtering/filter.ts";
import { FieldId } from "../../http1/fields.ts";
import type { RequestHead } from "../../http1/request-head.ts";
import type { Http2Connection } from "../../http2/connection.ts";
import type { Http2Stream } from "../../http2/peer.ts";
import { answerText } from "../http/answer.ts";
import type { AnsweredRequest } from "../http/downstream.ts";
import { errorAnswer, type AnswerableError } from "../http/error-answer.ts";
import type { TlsSession } from "../tls/tls-session.ts";
import { Http2AnswerWriter } from "./answer-writer.ts";
import type { RequestHost } from "./request-host.ts";

/** What goes out on one stream: the server's answer, answers of our own, and the counts of both. */
export abstract class Http2ClientAnswer extends Http2AnswerWriter {
  protected readonly host: RequestHost;
  protected bytesIn = 0;
  #bytesOut = 0;
  /** Bytes of the answer's body that were given to the stream. */
  #given = 0;
  /** How much of it, and of all answers of the connection, had left when `beginWait` was called last. */
  #left = 0;
  #leftOfAll = 0;

  constructor(host: RequestHost, codec: Http2Connection, stream: Http2Stream) {
    super(codec, stream);
    this.host = host;
  }

  /** More than enough waits to be sent. */
  protected abstract onStalled(): void;

  get tls(): TlsSession | null {
    return this.host.tls;
  }
  get secure(): boolean {
    return this.host.tls !== null;
  }
  get ownWriter(): this {
    return this;
  }
  /** The codec copies what it is given. */
  get unsent(): number {
    return 0;
  }
  get needsDrain(): boolean {
    return this.stream.needsDrain;
  }

  protected sent(bytes: number): void {
    this.#bytesOut += bytes;
    this.#given += bytes;
    if (this.stream.needsDrain) this.onStalled();
  }

  /** Only a tunnel writes without a head: all else goes by the methods of the writer. */
  write(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    this.stream.sendData(bytes, false);
    this.sent(bytes.length);
  }
  cork(): void {
    // All that a turn of the event loop brings leaves in one write anyway.
  }
  uncork(): void {
    // See `cork`.
  }
  /** Sends what was written, then the end. */
  endSending(): void {
    if (!this.stream.sendingEnded) this.stream.sendEnd();
  }

  connectionLine(): string {
    return "";
  }
  closeAfterAnswer(): void {
    // The other requests of the connection have nothing to do with this one.
  }
  forwardedLines(head: RequestHead): string {
    return this.host.identity.forwardedLines(head);
  }

  answer(request: AnsweredRequest, answer: Answer): void {
    const [head, body] = answerText(answer, request.head.method === "HEAD", "");
    this.own(request.editOwnHead(head), body);
  }

  answerError(request: AnsweredRequest, error: AnswerableError, message: string): void {
    this.refuseWith(error, message, request.head, request.id, (text) => request.editOwnHead(text));
  }

  /** An error answer; `edit` lets the route's filters change its head. */
  protected refuseWith(
    error: AnswerableError,
    message: string,
    head: RequestHead,
    id: string,
    edit: (head: string) => string,
  ): void {
    const grpc = grpcErrorAnswer(error, message, id, head.getById(FieldId.contentType));
    if (grpc !== undefined) return this.own(edit(answerText(grpc, true, "")[0]), undefined);
    const lines = error.status === 503 ? "Retry-After: 1\r\n" : "";
    const text = errorAnswer(error, message, head.getById(FieldId.accept), id, lines, head.method !== "HEAD");
    const body = text.indexOf("\r\n\r\n") + 4;
    this.own(edit(text.slice(0, body)), body === text.length ? undefined : Buffer.from(text.slice(body), "latin1"));
  }

  count(status: number, duration: number): void {
    const { clients, slot } = this.host;
    clients.answered(slot, status, duration);
    clients.addBytes(slot, this.bytesIn, this.#bytesOut);
    this.bytesIn = this.#bytesOut = 0;
  }

  /** From now on `moves` tells whether anything has left. */
  protected beginWait(): void {
    this.#left = this.#given - this.stream.unsent;
    this.#leftOfAll = this.codec.sentBytes;
  }

  /** The answer advances, however slowly; or it would, but it is the turn of other answers, and these do. */
  protected get moves(): boolean {
    const { stream } = this;
    if (this.#given - stream.unsent !== this.#left) return true;
    return stream.waitsForTurn && this.codec.sentBytes !== this.#leftOfAll;
  }
}
