import { errors, type ProxyError } from "../../core/errors.ts";
import { FieldId } from "../../http1/fields.ts";
import type { ResponseHead } from "../../http1/response-head.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { AnswerContext, AnswerWriter } from "./answer-writer.ts";
import { clientResponseHead } from "./client-response.ts";
import type { BufferLender } from "./buffer-lender.ts";
import type { Downstream } from "./downstream.ts";
import { ResponseWriter } from "./response-writer.ts";

/** The exchange that an answer is passed on for. */
export interface RelayedExchange extends AnswerContext {
  readonly downstream: Downstream;
  /** The answer is complete. */
  answered(status: number, now: number): void;
  /** The answer has begun and cannot be completed. */
  abort(error: ProxyError): void;
  filterFailed(error: unknown): void;
}

/** Passes the answer of the server that won on to the client. One per exchange, used again. */
export class AnswerRelay {
  /** Writes in the client's protocol. */
  response: AnswerWriter;
  /** 101 was passed on: bytes go both ways. */
  tunnel = false;
  /** Of the answer, as the client gets it. */
  status = 0;
  readonly #exchange: RelayedExchange;
  readonly #context: WorkerContext;
  /** Ends what is going on with servers. */
  readonly #cut: () => void;
  readonly #http1 = new ResponseWriter();

  constructor(exchange: RelayedExchange, context: WorkerContext, cut: () => void) {
    this.#exchange = exchange;
    this.#context = context;
    this.#cut = cut;
    this.response = this.#http1;
  }

  /** An exchange begins: from now on the answer is written as its client wants it. */
  begin(): void {
    this.response = this.#exchange.downstream.ownWriter ?? this.#http1;
  }

  reset(): void {
    this.response.reset();
    this.response = this.#http1;
    this.tunnel = false;
    this.status = 0;
  }

  /**
   * Lets the filters see the head. False when one failed, which ends the exchange: what it would have removed must not
   * get out.
   */
  filterHead(head: ResponseHead): boolean {
    const { view, chain } = this.#exchange;
    if (view === null) return true;
    view.setResponse(head);
    for (const filter of chain!.responseHead) {
      try {
        filter.onResponseHead(view);
      } catch (error) {
        this.#cut();
        this.#exchange.filterFailed(error);
        return false;
      }
    }
    return true;
  }

  informational(head: ResponseHead): void {
    this.response.informational(this.#exchange, head);
  }

  whole(head: ResponseHead, text: string, start: number, end: number): void {
    try {
      this.response.whole(this.#exchange, head, text, start, end);
    } catch (error) {
      this.#abort(error);
    }
  }

  head(head: ResponseHead, kind: number, more: boolean): void {
    this.response.begin(this.#exchange, head, kind, more);
  }

  data(buffer: Buffer, start: number, end: number, lender: BufferLender | null): boolean {
    try {
      return this.response.data(this.#exchange, buffer, start, end, lender);
    } catch (error) {
      this.#abort(error);
      return false;
    }
  }

  end(trailers: string, now: number): void {
    try {
      this.response.end(this.#exchange, trailers);
    } catch (error) {
      return this.#abort(error);
    }
    this.#exchange.answered(this.status, now);
  }

  /** A filter threw in the middle of the answer. */
  #abort(error: unknown): void {
    this.#context.log("error", `a filter failed: ${error instanceof Error ? error.stack : String(error)}`);
    this.#cut();
    this.#exchange.abort(errors.filterFailed);
  }

  upgraded(head: ResponseHead, rest: Buffer): void {
    const { downstream, view } = this.#exchange;
    this.response.started = true;
    this.tunnel = true;
    const lines = `Connection: Upgrade\r\nUpgrade: ${head.getById(FieldId.upgrade) ?? ""}\r\n`;
    downstream.becomeTunnel(clientResponseHead(view, head, false, lines, ""), rest);
  }

  tunnelData(bytes: Buffer, from: BufferLender): boolean {
    return this.#exchange.downstream.tunnelWrite(bytes, from);
  }

  tunnelEnd(): void {
    this.#exchange.downstream.tunnelEnded();
  }

  /** The server's time is over: the tunnel ends in good order. */
  closeTunnel(): void {
    this.#exchange.downstream.closeTunnel();
  }

  /** The server's connection is gone after the answer has begun. */
  broken(error: ProxyError): void {
    if (!this.tunnel) return this.#exchange.abort(error);
    this.#exchange.downstream.tunnelClosed();
    this.#exchange.answered(this.status, this.#context.clock.now());
  }
}
