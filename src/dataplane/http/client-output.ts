import { grpcErrorAnswer } from "../../core/grpc/error-answer.ts";
import { errors } from "../../core/errors.ts";
import type { Answer } from "../../core/filtering/filter.ts";
import { FieldId } from "../../http1/fields.ts";
import type { RequestHead } from "../../http1/request-head.ts";
import type { Timed } from "../timer-wheel.ts";
import type { TlsSession } from "../tls/tls-session.ts";
import type { StreamSocket } from "../transport.ts";
import { answerText } from "./answer.ts";
import { ClientIdentity } from "./client-identity.ts";
import type { ConnectionHost } from "./connection-host.ts";
import type { BufferLender } from "./buffer-lender.ts";
import type { AnsweredRequest } from "./downstream.ts";
import { errorAnswer, type AnswerableError } from "./error-answer.ts";
import type { Tunnel } from "./tunnel.ts";

/** What goes out on a client's connection: bytes, answers of our own, and the counts of both. */
export abstract class ClientOutput implements Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly tls: TlsSession | null;
  readonly ownWriter = null;
  readonly secure: boolean;
  protected readonly host: ConnectionHost;
  protected readonly identity: ClientIdentity;
  protected socket!: StreamSocket;
  /** The connection ends with the answer that is being written. */
  protected close = false;
  /** What the connection is after an upgrade. */
  protected tunnel: Tunnel | null = null;
  /** The client does not take what is written. */
  protected stalled = false;
  protected bytesIn = 0;
  protected bytesOut = 0;

  constructor(host: ConnectionHost, remote: string, tls: TlsSession | null) {
    this.host = host;
    this.tls = tls;
    this.secure = tls !== null;
    this.identity = new ClientIdentity(remote, tls, host.portText);
  }

  /** The body of the request is still coming: the connection cannot be used again after an answer. */
  protected abstract get bodyComing(): boolean;
  /** The client has stopped to take what is written. */
  protected abstract onStalled(): void;
  abstract onDeadline(): void;

  write(data: string | Uint8Array): void {
    this.bytesOut += data.length;
    if (typeof data === "string") this.socket.write(data, "latin1");
    else this.socket.write(data);
    if (this.socket.writableNeedDrain && !this.stalled) {
      this.stalled = true;
      this.onStalled();
    }
  }
  cork(): void {
    this.socket.cork();
  }
  uncork(): void {
    this.socket.uncork();
  }
  get unsent(): number {
    return this.socket.copiesWrites === true ? 0 : this.socket.writableLength;
  }
  get needsDrain(): boolean {
    return this.socket.writableNeedDrain;
  }

  /** The line about this connection in the answer that is being written. */
  connectionLine(minor: 0 | 1): string {
    if (this.host.context.draining || this.host.retired) this.close = true;
    if (this.close) return "Connection: close\r\n";
    return minor === 0 ? "Connection: keep-alive\r\n" : "";
  }

  closeAfterAnswer(): void {
    this.close = true;
  }

  answer(request: AnsweredRequest, answer: Answer): void {
    if (this.bodyComing) this.close = true;
    const connection = this.connectionLine(request.head.minor);
    const [head, body] = answerText(answer, request.head.method === "HEAD", connection);
    this.write(request.editOwnHead(head));
    if (body !== undefined) this.write(body);
  }

  answerError(request: AnsweredRequest, error: AnswerableError, message: string): void {
    // A server's end is a good moment for the client to look for another way, should there be one.
    if (this.bodyComing || error === errors.serverRemoved || error === errors.serverGone) this.close = true;
    const { head, id } = request;
    const grpc = grpcErrorAnswer(error, message, id, head.getById(FieldId.contentType));
    if (grpc !== undefined) return this.answer(request, grpc);
    const lines = (error.status === 503 ? "Retry-After: 1\r\n" : "") + this.connectionLine(head.minor);
    const text = errorAnswer(error, message, head.getById(FieldId.accept), id, lines, head.method !== "HEAD");
    const body = text.indexOf("\r\n\r\n") + 4;
    this.write(request.editOwnHead(text.slice(0, body)) + text.slice(body));
  }

  count(status: number, duration: number): void {
    const { clients, slot } = this.host;
    clients.answered(slot, status, duration);
    clients.addBytes(slot, this.bytesIn, this.bytesOut);
    this.bytesIn = this.bytesOut = 0;
  }

  forwardedLines(head: RequestHead): string {
    return this.identity.forwardedLines(head);
  }

  // --- what a server sends in a tunnel ---

  tunnelWrite(bytes: Buffer, from: BufferLender): boolean {
    return this.tunnel!.fromServer(bytes, from);
  }

  tunnelEnded(): void {
    this.tunnel!.serverEnded();
  }

  endSending(): void {
    this.socket.end();
  }

  closeTunnel(): void {
    this.tunnel?.close();
  }

  /** Ends the connection without ceremony. */
  cut(): void {
    this.socket.destroy();
  }

  /** Sets the connection's deadline, in ms from now. */
  protected wait(time: number): void {
    const { context } = this.host;
    this.deadline = context.now + time;
    context.wheel.arm(this);
  }
}
