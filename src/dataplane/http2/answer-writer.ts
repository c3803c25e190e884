import { BODY_LENGTH, BODY_NONE, type ResponseHead } from "../../http1/response-head.ts";
import type { Http2Connection } from "../../http2/connection.ts";
import type { Http2Stream } from "../../http2/peer.ts";
import { changesBody, runResponseTrailers } from "../filters/chain.ts";
import type { AnswerContext, AnswerWriter } from "../http/answer-writer.ts";
import type { BufferLender } from "../http/buffer-lender.ts";
import { responseDrops, responseDropsReframed } from "../http/dropped-fields.ts";

/** Where the text of a short answer becomes bytes; the codec copies what it is given. */
let scratch = Buffer.allocUnsafeSlow(16_384);

/** `text[start, end)`, latin1, as bytes that are valid until the next call. */
function latin1Bytes(text: string, start: number, end: number): Buffer {
  const size = end - start;
  if (size > scratch.length) scratch = Buffer.allocUnsafeSlow(size);
  scratch.latin1Write(start === 0 && end === text.length ? text : text.slice(start, end), 0);
  return scratch.subarray(0, size);
}

/** Passes a server's answer on to an HTTP/2 client: fields compressed, framing by frames. One per request. */
export abstract class Http2AnswerWriter implements AnswerWriter {
  started = false;
  protected readonly codec: Http2Connection;
  protected readonly stream: Http2Stream;

  constructor(codec: Http2Connection, stream: Http2Stream) {
    this.codec = codec;
    this.stream = stream;
  }

  /** Bytes were given to the stream. */
  protected abstract sent(bytes: number): void;

  reset(): void {
    // There is one writer per request.
  }

  informational(_context: AnswerContext, head: ResponseHead): void {
    this.head(head.status, head.keptLines(responseDrops), false);
  }

  whole(context: AnswerContext, head: ResponseHead, text: string, start: number, end: number): void {
    if (context.view !== null) {
      this.begin(context, head, end > start ? BODY_LENGTH : BODY_NONE);
      if (end > start) this.data(context, Buffer.from(text.slice(start, end), "latin1"), 0, end - start, null);
      return;
    }
    this.started = true;
    this.head(head.status, head.keptLines(responseDrops), start === end);
    if (start === end) return;
    this.stream.sendData(latin1Bytes(text, start, end), true);
    this.sent(end - start);
  }

  begin(context: AnswerContext, head: ResponseHead, kind: number): void {
    const { view, chain } = context;
    this.started = true;
    const reframed = kind !== BODY_NONE && changesBody(chain);
    const drops = reframed ? responseDropsReframed : responseDrops;
    if (view === null) return this.head(head.status, head.keptLines(drops), kind === BODY_NONE);
    const { status, edits } = view.response;
    this.head(status, head.keptLines(drops, edits.removed) + edits.lines, kind === BODY_NONE);
  }

  data(context: AnswerContext, buffer: Buffer, start: number, end: number, _lender: BufferLender | null): boolean {
    const { chain } = context;
    const { stream } = this;
    if (chain !== null && chain.responseBody.length !== 0) {
      let bytes: Uint8Array = buffer.subarray(start, end);
      for (const filter of chain.responseBody) bytes = filter.onResponseBody(context.view!, bytes) ?? bytes;
      if (bytes.length > 0) stream.sendData(bytes, false);
      this.sent(bytes.length);
    } else {
      stream.sendData(buffer, false, start, end);
      this.sent(end - start);
    }
    return !stream.needsDrain;
  }

  end(context: AnswerContext, trailers: string): void {
    const { stream } = this;
    // With a head that had no body, or with an answer that was there as a whole.
    if (stream.sendingEnded) return;
    const { chain } = context;
    if (chain !== null && chain.responseTrailers.length !== 0) {
      const bytes = runResponseTrailers(chain, context.view!, trailers);
      if (bytes !== undefined) {
        stream.sendData(bytes, true);
        return this.sent(bytes.length);
      }
    }
    if (trailers === "") return stream.sendEnd();
    const { encoder } = this.codec;
    // They may have to wait for the body, while the heads of other streams go out.
    encoder.begin(true);
    encoder.lines(trailers, 0, trailers.length);
    stream.sendHead(true);
  }

  /** An answer of our own, as HTTP/1 writes it: a head with its blank line, and the body apart. */
  protected own(text: string, body: Uint8Array | undefined): void {
    const status = Number(text.slice(9, 12));
    this.started = true;
    this.head(status, text.slice(text.indexOf("\r\n") + 2, -2), body === undefined);
    if (body === undefined) return;
    this.stream.sendData(body, true);
    this.sent(body.length);
  }

  protected head(status: number, lines: string, end: boolean): void {
    if (this.stream.sendingEnded) return;
    const { encoder } = this.codec;
    encoder.begin();
    encoder.status(status);
    encoder.lines(lines, 0, lines.length);
    this.stream.sendHead(end);
  }
}
