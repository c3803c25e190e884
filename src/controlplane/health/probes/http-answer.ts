import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  bodyKind,
  parseResponseHead,
  ResponseHead,
  type BodyKind,
} from "../../../http1/response-head.ts";
import { CHUNK_DATA, CHUNK_END, CHUNK_ERROR, ChunkedDecoder } from "../../../http1/chunked.ts";
import { COMPLETE, REFUSED } from "../../../http1/parse-status.ts";

/** Bounds of an answer's head, interim ones before it included. */
const LIMITS = { maxHeadSize: 16 * 1024, maxHeaders: 100 } as const;
const MAX_INTERIM = 8;

/**
 * The answer to one request while it comes in: the final head, and the body up to a limit. Whatever the server sends,
 * it holds no more than the limits.
 */
export class HttpAnswer {
  readonly head = new ResponseHead();
  readonly #method: string;
  readonly #maxBody: number;
  #text = "";
  #interim = 0;
  #kind: BodyKind | undefined;
  #decoder: ChunkedDecoder | undefined;
  #body = Buffer.alloc(0);
  #length = 0;
  #complete = false;
  /** The body has more than `maxBody` bytes; what is behind them was not read. */
  tooLong = false;

  constructor(method: string, maxBody: number) {
    this.#method = method;
    this.#maxBody = maxBody;
  }

  /** Whether the final head has come. */
  get hasHead(): boolean {
    return this.#kind !== undefined;
  }

  /** Whether everything has come that will be read. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** The body so far. */
  get body(): Buffer {
    return this.#body.subarray(0, this.#length);
  }

  /** Takes bytes in. Returns what is wrong with them, or undefined. */
  push(chunk: Buffer): string | undefined {
    if (this.#complete) return undefined;
    if (this.#kind !== undefined) return this.#pushBody(chunk, 0);
    this.#text += chunk.latin1Slice();
    for (;;) {
      const { head } = this;
      const status = parseResponseHead(head, this.#text, 0, LIMITS, this.#method);
      if (status === REFUSED) return `not a valid HTTP answer: ${head.error!.reason}`;
      if (status !== COMPLETE) return undefined;
      if (head.status >= 200 || head.status === 101) break;
      if (++this.#interim > MAX_INTERIM) return `more than ${MAX_INTERIM} interim answers`;
      this.#text = this.#text.slice(head.end);
      head.reset();
    }
    const rest = this.#text.length - this.head.end;
    this.#kind = this.head.status === 101 ? BODY_NONE : bodyKind(this.head, this.#method);
    if (this.#kind === BODY_NONE || this.head.contentLength === 0) this.#complete = true;
    return this.#complete ? undefined : this.#pushBody(chunk, chunk.length - rest);
  }

  /** The connection has been closed. Returns what is missing, or undefined when the answer was complete. */
  end(): string | undefined {
    if (this.#complete) return undefined;
    if (this.#kind === undefined) {
      return this.#text === "" ? "closed the connection without an answer" : "closed the connection within the head";
    }
    if (this.#kind === BODY_CHUNKED || this.#kind === BODY_LENGTH) return "closed the connection within the body";
    this.#complete = true;
    return undefined;
  }

  #pushBody(chunk: Buffer, from: number): string | undefined {
    if (this.#kind === BODY_CHUNKED) return this.#pushChunked(chunk, from);
    const missing = this.#kind === BODY_LENGTH ? this.head.contentLength - this.#length : Infinity;
    this.#take(chunk, from, Math.min(chunk.length, from + missing));
    if (this.#length === this.head.contentLength) this.#complete = true;
    return undefined;
  }

  #pushChunked(chunk: Buffer, from: number): string | undefined {
    const decoder = (this.#decoder ??= new ChunkedDecoder());
    let at = from;
    while (!this.#complete) {
      const event = decoder.next(chunk, at, chunk.length);
      if (event === CHUNK_ERROR) return `not a valid HTTP answer: ${decoder.error!.reason}`;
      if (event === CHUNK_END) this.#complete = true;
      if (event !== CHUNK_DATA) return undefined;
      this.#take(chunk, decoder.dataStart, decoder.dataEnd);
      at = decoder.position;
    }
    return undefined;
  }

  #take(chunk: Buffer, from: number, to: number): void {
    const room = this.#maxBody - this.#length;
    const taken = Math.min(to - from, room);
    if (this.#length + taken > this.#body.length) this.#grow(this.#length + taken);
    chunk.copy(this.#body, this.#length, from, from + taken);
    this.#length += taken;
    if (taken < to - from) this.tooLong = this.#complete = true;
  }

  #grow(least: number): void {
    const size = Math.min(this.#maxBody, Math.max(least, this.#body.length * 2, 1024));
    const body = Buffer.allocUnsafeSlow(size);
    this.#body.copy(body, 0, 0, this.#length);
    this.#body = body;
  }
}
