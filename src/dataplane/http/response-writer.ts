import { BODY_LENGTH, BODY_NONE, type ResponseHead } from "../../http1/response-head.ts";
import { changesBody, runResponseTrailers } from "../filters/chain.ts";
import { frameChunk, LAST_CHUNK } from "../chunk-framing.ts";
import type { AnswerContext, AnswerSink, AnswerWriter } from "./answer-writer.ts";
import { clientResponseHead } from "./client-response.ts";
import type { BufferLender } from "./buffer-lender.ts";
import { responseDrops } from "./dropped-fields.ts";

/** Passes a server's answer on to an HTTP/1 client: head, framing, body filters. One per exchange, used again. */
export class ResponseWriter implements AnswerWriter {
  started = false;
  /** There is a body, however it ends. */
  #hasBody = false;
  /** The body goes on as chunks of our own; otherwise as it came. */
  #chunks = false;
  /** A head that waits for the first bytes of its body, to leave with them. */
  #pendingHead = "";

  reset(): void {
    this.started = false;
    this.#hasBody = false;
    this.#chunks = false;
    this.#pendingHead = "";
  }

  /** A 1xx answer. HTTP/1.0 knows none (RFC 9110 15.2). */
  informational(context: AnswerContext, head: ResponseHead): void {
    if (context.minor === 1) context.downstream.write(`${head.statusLine}${head.keptLines(responseDrops)}\r\n`);
  }

  /** An answer that is there as a whole, its body as received in text[start, end). */
  whole(context: AnswerContext, head: ResponseHead, text: string, start: number, end: number): void {
    const { downstream } = context;
    if (context.view !== null) {
      this.begin(context, head, end > start ? BODY_LENGTH : BODY_NONE, true);
      if (end > start) this.data(context, Buffer.from(text.slice(start, end), "latin1"), 0, end - start, null);
      return;
    }
    this.started = true;
    downstream.write(
      clientResponseHead(null, head, false, "", downstream.connectionLine(context.minor)) + text.slice(start, end),
    );
  }

  /** The head of an answer; written at once unless `more` says that bytes of its body follow right away. */
  begin(context: AnswerContext, head: ResponseHead, kind: number, more: boolean): void {
    const { downstream, view, chain } = context;
    this.#hasBody = kind !== BODY_NONE;
    const reframed = this.#hasBody && (kind !== BODY_LENGTH || changesBody(chain));
    this.started = true;
    let framing = "";
    if (reframed) {
      if (context.minor === 1) {
        this.#chunks = true;
        framing = "Transfer-Encoding: chunked\r\n";
      } else downstream.closeAfterAnswer();
    }
    this.#pendingHead = clientResponseHead(view, head, reframed, framing, downstream.connectionLine(context.minor));
    if (!more || kind === BODY_NONE) this.#flushHead(downstream);
  }

  /**
   * Bytes of the body without framing; false when the server should pause. They may lie in the server connection's read
   * buffer, which `lender` gives up if they do not leave at once. Throws what a filter throws.
   */
  data(context: AnswerContext, buffer: Buffer, start: number, end: number, lender: BufferLender | null): boolean {
    const { downstream, chain } = context;
    let bytes: Uint8Array = start === 0 && end === buffer.length ? buffer : buffer.subarray(start, end);
    let lent = true;
    if (chain !== null && chain.responseBody.length !== 0) {
      for (const filter of chain.responseBody) bytes = filter.onResponseBody(context.view!, bytes) ?? bytes;
      if (bytes.length === 0) return !downstream.needsDrain;
      if (!this.#chunks) bytes = Buffer.from(bytes);
      lent = false;
    }
    if (this.#chunks) {
      bytes = frameChunk(bytes);
      lent = false;
    }
    const head = this.#pendingHead;
    if (head === "") downstream.write(bytes);
    else {
      this.#pendingHead = "";
      downstream.cork();
      downstream.write(head);
      downstream.write(bytes);
      downstream.uncork();
    }
    if (lent && downstream.unsent > 0) lender?.replaceBuffer();
    return !downstream.needsDrain;
  }

  /** The body is complete. `trailers` are complete lines. */
  end(context: AnswerContext, trailers: string): void {
    const { downstream, chain } = context;
    this.#flushHead(downstream);
    if (this.#hasBody && chain !== null && chain.responseTrailers.length !== 0) {
      const bytes = runResponseTrailers(chain, context.view!, trailers);
      if (bytes !== undefined) {
        trailers = "";
        if (bytes.length > 0) downstream.write(this.#chunks ? frameChunk(bytes) : bytes);
      }
    }
    if (this.#chunks) context.downstream.write(trailers === "" ? LAST_CHUNK : `0\r\n${trailers}\r\n`);
  }

  #flushHead(downstream: AnswerSink): void {
    const head = this.#pendingHead;
    this.#pendingHead = "";
    if (head !== "") downstream.write(head);
  }
}
