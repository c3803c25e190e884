import type { ProxyError } from "../../core/errors.ts";
import { mayRetry } from "../../core/retry/retry-rule.ts";
import type { FilterChain } from "../filters/chain.ts";
import type { RequestChannel } from "../upstream/request-channel.ts";
import type { Attempt } from "./attempt.ts";
import type { Downstream } from "./downstream.ts";
import type { FilterView } from "./filter-view.ts";
import { RequestBody } from "./request-body.ts";
import { upstreamRequestHead, type ForwardedRequest } from "./upstream-request.ts";

/** The exchange whose request is sent. */
export interface SentExchange extends ForwardedRequest {
  readonly downstream: Downstream;
  readonly view: FilterView | null;
  readonly chain: FilterChain | null;
  filterFailed(error: unknown): void;
}

/** Sends a request to the server of the present try: head, body as it comes, and both again for a further try. */
export class RequestSender {
  /** The try that the body goes to. */
  attempt: Attempt;
  readonly #exchange: SentExchange;
  /** Ends what is going on with servers. */
  readonly #cut: () => void;
  readonly #body = new RequestBody();
  /** The head as it was sent, for a further try. */
  #head = "";
  #trailers = "";

  constructor(exchange: SentExchange, attempt: Attempt, cut: () => void) {
    this.#exchange = exchange;
    this.attempt = attempt;
    this.#cut = cut;
  }

  /** @param limit most bytes of the body that are kept for a further try */
  begin(limit: number): void {
    this.#body.limit = limit;
    this.#body.expected = this.#exchange.head.contentLength;
  }

  reset(): void {
    this.#body.reset();
    this.#head = "";
    this.#trailers = "";
  }

  /** The connection of a try is there: writes the head, and what of the body has come so far. */
  start(attempt: Attempt): void {
    const connection = attempt.connection!;
    const exchange = this.#exchange;
    if (this.#head === "")
      this.#head = upstreamRequestHead(
        exchange,
        this.filtersBody,
        exchange.downstream.forwardedLines(exchange.head),
        attempt.server!.authority,
      );
    if (!exchange.hasBody) {
      connection.sendHead(this.#head, false);
      connection.requestSent("");
      return;
    }
    connection.cork();
    connection.sendHead(this.#head, exchange.head.chunked || this.filtersBody);
    this.#body.sendTo(connection);
    // What of the body is in the same read as the head is sent after this returns, and leaves with it.
    process.nextTick(uncork, connection);
    if (this.#body.complete) connection.requestSent(this.#trailers);
    if (!connection.needsDrain) exchange.downstream.resumeReading();
  }

  /** Whether the route's filters want to see the request's body. */
  get filtersBody(): boolean {
    const { chain } = this.#exchange;
    return chain !== null && chain.requestBody.length !== 0;
  }

  /** The client has sent all of it. */
  get complete(): boolean {
    return this.#body.complete || !this.#exchange.hasBody;
  }

  /** The request can be sent once more from its beginning. */
  get isReplayable(): boolean {
    return this.#body.replayable(this.#exchange.hasBody);
  }

  /** Whether it may be sent again after this failure, to the same server even. */
  mayRepeat(error: ProxyError): boolean {
    return mayRetry(error, this.#exchange.head.method, this.isReplayable);
  }

  /** The next try is on another server: a request without Host gets the server's name, so its head is another one. */
  changeServer(): void {
    if (this.#exchange.head.authority === "") this.#head = "";
  }

  /** It will not be sent again. */
  forget(): void {
    this.#body.forget();
  }

  /** The connection has taken all that was sent, so that what was handed over may be overwritten. */
  get taken(): boolean {
    const { connection } = this.attempt;
    return connection !== null && connection.connected && connection.unsent === 0;
  }

  /** Sends what was collected, if the connection is there. */
  flush(): void {
    const { connection } = this.attempt;
    if (connection?.connected === true) connection.uncork();
  }

  /** Bytes of the body, without framing, which stay as they are until `taken`; false asks the client to pause. */
  send(bytes: Uint8Array): boolean {
    const { connection } = this.attempt;
    if (connection === null || !connection.connected) return this.#body.hold(bytes);
    this.#body.keepCopy(bytes);
    connection.sendBody(bytes);
    return !connection.needsDrain;
  }

  /** The same for a body that goes on in chunks, which are copies: the bytes are the caller's again when this returns. */
  sendBorrowed(bytes: Uint8Array): boolean {
    const { connection } = this.attempt;
    if (connection === null || !connection.connected) return this.#body.hold(Buffer.from(bytes));
    this.#body.keepCopy(bytes);
    connection.sendBody(bytes);
    return !connection.needsDrain;
  }

  /** Bytes of the body without framing, for routes whose filters want to see them. */
  sendFiltered(data: Buffer): boolean {
    const { chain, view } = this.#exchange;
    let piece: Uint8Array = data;
    try {
      for (const filter of chain!.requestBody) piece = filter.onRequestBody(view!, piece) ?? piece;
    } catch (error) {
      this.#cut();
      this.#exchange.filterFailed(error);
      return false;
    }
    return piece.length === 0 || this.send(piece);
  }

  /** The body is complete. `trailers`: complete lines. */
  end(trailers: string): void {
    this.#trailers = trailers;
    this.#body.complete = true;
    const { connection } = this.attempt;
    if (connection?.connected !== true) return;
    connection.requestSent(trailers);
    this.attempt.requestComplete();
  }
}

function uncork(connection: RequestChannel): void {
  connection.uncork();
}
