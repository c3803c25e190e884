import type { ResponseHead } from "../../http1/response-head.ts";
import type { FilterChain } from "../filters/chain.ts";
import type { BufferLender } from "./buffer-lender.ts";
import type { FilterView } from "./filter-view.ts";

/** Where an HTTP/1 answer is written. */
export interface AnswerSink {
  /** Bytes written that must stay as they are. */
  readonly unsent: number;
  /** More than enough was written; `UpstreamLeg.resume` is called when it is gone. */
  readonly needsDrain: boolean;
  /** Strings are latin1. Buffers must stay as they are until `unsent` is 0. */
  write(data: string | Uint8Array): void;
  /** Collects what is written until `uncork`, so that it leaves in one system call. */
  cork(): void;
  uncork(): void;
  /** The lines of the answer's head that are about the client's connection. */
  connectionLine(minor: 0 | 1): string;
  closeAfterAnswer(): void;
}

/** The exchange that an answer belongs to, as far as writing it depends on it. */
export interface AnswerContext {
  readonly downstream: AnswerSink;
  /** Minor version of the client's HTTP/1; 1 for HTTP/2. */
  readonly minor: 0 | 1;
  /** Both null for a route without filters. */
  readonly view: FilterView | null;
  readonly chain: FilterChain | null;
}

/** Passes a server's answer on to the client in the client's protocol. */
export interface AnswerWriter {
  /** The head has gone to the client: it is too late for another answer. */
  started: boolean;
  reset(): void;
  /** A 1xx answer. */
  informational(context: AnswerContext, head: ResponseHead): void;
  /** An answer that is there as a whole, its body as received in text[start, end). Throws what a filter throws. */
  whole(context: AnswerContext, head: ResponseHead, text: string, start: number, end: number): void;
  /** The head of an answer; `kind` is how its body ends (http1/response-head.ts), `more` that bytes of it follow right away. */
  begin(context: AnswerContext, head: ResponseHead, kind: number, more: boolean): void;
  /**
   * Bytes of the body without framing; false when the server should pause. They may lie in the server connection's read
   * buffer, which `lender` gives up if they do not leave at once. Throws what a filter throws.
   */
  data(context: AnswerContext, buffer: Buffer, start: number, end: number, lender: BufferLender | null): boolean;
  /** The body is complete. `trailers` are complete lines. */
  end(context: AnswerContext, trailers: string): void;
}
