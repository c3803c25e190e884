import type { BalanceContext, Server } from "../../core/balancing/balancer.ts";
import { LOAD_REPORT_FIELD, reportedUtilisation } from "../../core/balancing/load-report.ts";
import { errors, type ProxyError } from "../../core/errors.ts";
import { mayRetry } from "../../core/retry/retry-rule.ts";
import { FieldId } from "../../http1/fields.ts";
import type { ResponseHead } from "../../http1/response-head.ts";
import type { Timed } from "../timer-wheel.ts";
import type { PoolRuntime } from "../upstream/pool-runtime.ts";
import type { ConnectionWaiter } from "../upstream/server-connections.ts";
import type { UpstreamConnection } from "../upstream/upstream-connection.ts";
import type { UpstreamServer } from "../upstream/upstream-server.ts";
import type { WorkerContext } from "../worker-context.ts";
import { frameChunk } from "./chunk-framing.ts";
import { clientResponseHead } from "./client-response.ts";
import type { FilterView } from "./filter-view.ts";
import { RequestBody } from "./request-body.ts";
import { ResponseWriter, type AnswerContext } from "./response-writer.ts";
import { upstreamRequestHead, type ForwardedRequest } from "./upstream-request.ts";

/** The exchange whose server side this is. */
export interface LegOwner extends AnswerContext, ForwardedRequest {
  readonly view: FilterView | null;
  readonly bodyTimeout: number;
  /** The answer is complete. */
  answered(status: number, now: number): void;
  /** When the exchange began, by the clock. */
  readonly startedAt: number;
  /** There will be no answer from a server: the client gets an error. */
  fail(error: ProxyError): void;
  /** The answer has begun and cannot be completed. */
  abort(error: ProxyError): void;
  filterFailed(error: unknown): void;
}

/**
 * The server's side of an exchange: chooses a server, gets a connection, sends the request, tries again elsewhere if
 * that is allowed, and passes the answer to the client. One per exchange, used again; see `begin` and `reset`.
 */
export class UpstreamLeg implements BalanceContext, ConnectionWaiter, Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly response = new ResponseWriter();
  server: UpstreamServer | null = null;
  hashKey = 0;
  wantsUpgrade = false;
  /** 101 was passed on: bytes go both ways. */
  tunnel = false;
  readonly #owner: LegOwner;
  readonly #context: WorkerContext;
  readonly #body = new RequestBody();
  #pool!: PoolRuntime;
  #connection: UpstreamConnection | null = null;
  /** The head as it was sent, for a further try. */
  #head = "";
  /** Until anything has to be waited for. */
  #atOnce = false;
  #sentAt = 0;
  #headAt = 0;
  #latency = NaN;
  #status = 0;
  /** Slots of servers that failed this request or are full. */
  readonly #excluded: number[] = [];
  #attempts = 0;
  /** The request counts as in flight on `server`. */
  #counted = false;
  #waiting = false;
  #retriedFresh = false;
  /** The server has asked for the body by a 100. */
  #continued = false;

  constructor(owner: LegOwner, context: WorkerContext) {
    this.#owner = owner;
    this.#context = context;
  }

  get method(): string {
    return this.#owner.head.method;
  }
  get bodyTimeout(): number {
    return this.#owner.bodyTimeout;
  }
  get keepsHead(): boolean {
    return this.#owner.view !== null;
  }
  /** The client knows chunks, and no filter wants to see the data. */
  get takesChunks(): boolean {
    return this.#owner.minor === 1 && this.#owner.view === null;
  }
  isExcluded(server: Server): boolean {
    return this.#excluded.length !== 0 && this.#excluded.includes(server.slot);
  }

  reset(): void {
    this.#body.reset();
    this.response.reset();
    this.server = null;
    this.hashKey = 0;
    this.wantsUpgrade = false;
    this.tunnel = false;
    this.#connection = null;
    this.#head = "";
    this.#latency = NaN;
    this.#status = 0;
    if (this.#excluded.length !== 0) this.#excluded.length = 0;
    this.#attempts = 0;
    this.#counted = false;
    this.#waiting = false;
    this.#retriedFresh = false;
    this.#continued = false;
  }

  // --- the choice of a server ---

  begin(pool: PoolRuntime): void {
    this.#pool = pool;
    this.#atOnce = this.#owner.chain === null;
    this.#body.limit = pool.config.retries.bufferLimit;
    this.#body.expected = this.#owner.head.contentLength;
    this.#dispatch(undefined);
    this.#atOnce = false;
  }

  /** Chooses a server and gets a connection to it. `failure` is why an earlier server did not do. */
  #dispatch(failure: ProxyError | undefined): void {
    let full = false;
    for (;;) {
      let server: UpstreamServer | undefined;
      try {
        server = this.#pool.choose(this);
      } catch (error) {
        this.#context.log("error", `pool ${this.#pool.name}: ${error instanceof Error ? error.stack : String(error)}`);
        return this.#owner.fail(errors.algorithmFailed);
      }
      if (server === undefined) return this.#owner.fail(failure ?? (full ? errors.overloaded : errors.noServer));
      if (!this.#context.scoreboard.tryBegin(server.slot, server.maxConnections)) {
        this.#excluded.push(server.slot);
        full = true;
        continue;
      }
      this.server = server;
      this.#counted = true;
      if (failure !== undefined) this.#context.scoreboard.retried(server.slot);
      return this.#acquire(false);
    }
  }

  #acquire(fresh: boolean): void {
    this.#waiting = true;
    this.server!.connections.acquire(this, fresh);
    if (!this.#waiting) return;
    // All connections are in use: wait for one as long as one may take to be made.
    this.deadline = this.#context.now + this.#pool.config.upstream.connectTimeout;
    this.#context.wheel.arm(this);
  }

  #stopWaiting(): void {
    this.#waiting = false;
    if (this.wheelTick >= 0) this.#context.wheel.disarm(this);
  }

  onConnection(connection: UpstreamConnection): void {
    this.#stopWaiting();
    this.#connection = connection;
    if (connection.connected) this.#send();
  }

  onNoConnection(error: ProxyError): void {
    this.#stopWaiting();
    this.#release();
    this.#retryOrFail(error);
  }

  onDeadline(): void {
    this.#waiting = false;
    this.server!.connections.cancel(this);
    this.#release();
    this.#owner.fail(errors.overloaded);
  }

  // --- the request ---

  onConnected(): void {
    this.#send();
  }

  /** The connection is there: writes the head, and what of the body has come so far. */
  #send(): void {
    const connection = this.#connection!;
    const owner = this.#owner;
    if (this.#head === "")
      this.#head = upstreamRequestHead(
        owner,
        this.filtersBody,
        owner.downstream.forwardedLines(owner.head),
        this.server!.authority,
      );
    // A request that goes out in the turn in which it came was sent when it started: one look at the clock is enough.
    this.#sentAt = this.#atOnce ? owner.startedAt : this.#context.clock.now();
    this.#atOnce = false;
    if (!owner.hasBody) {
      connection.sendHead(this.#head);
      connection.requestSent();
      return;
    }
    connection.cork();
    connection.sendHead(this.#head);
    this.#body.sendTo(connection);
    // What of the body is in the same read as the head is sent after this returns, and leaves with it.
    process.nextTick(uncork, connection);
    if (this.#body.complete) connection.requestSent();
    if (!connection.needsDrain) owner.downstream.resumeReading();
  }

  /** Whether the route's filters want to see the request's body. */
  get filtersBody(): boolean {
    const { chain } = this.#owner;
    return chain !== null && chain.requestBody.length !== 0;
  }

  /** The connection has taken all that was sent, so that what was handed over may be overwritten. */
  get taken(): boolean {
    return this.#connection !== null && this.#connection.connected && this.#connection.unsent === 0;
  }

  /** Sends what was collected, if the connection is there. */
  flush(): void {
    if (this.#connection?.connected === true) this.#connection.uncork();
  }

  /** Bytes of the request's body in the framing in which they go on; false asks the client to pause. */
  send(bytes: Buffer): boolean {
    const connection = this.#connection;
    if (connection === null || !connection.connected) return this.#body.hold(bytes);
    this.#body.keepCopy(bytes);
    connection.send(bytes);
    return !connection.needsDrain;
  }

  /** Bytes of the body without framing, for routes whose filters want to see them. */
  sendFiltered(data: Buffer): boolean {
    const { chain, view } = this.#owner;
    let piece: Uint8Array = data;
    try {
      for (const filter of chain!.requestBody) piece = filter.onRequestBody(view!, piece) ?? piece;
    } catch (error) {
      this.cut();
      this.#owner.filterFailed(error);
      return false;
    }
    return piece.length === 0 || this.send(frameChunk(piece));
  }

  /** The request's body is complete; `ending` are the bytes that end it in its framing. */
  sendEnd(ending: string): void {
    if (ending !== "") this.send(Buffer.from(ending, "latin1"));
    this.#body.complete = true;
    if (this.#connection?.connected === true) this.#connection.requestSent();
  }

  onUpstreamDrain(): void {
    if (this.tunnel || !this.#body.complete) this.#owner.downstream.resumeReading();
  }

  // --- the answer ---

  onInformational(head: ResponseHead): void {
    if (head.status === 100) this.#continued = true;
    this.response.informational(this.#owner, head);
  }

  onWholeResponse(head: ResponseHead, text: string, start: number, end: number): void {
    if (!this.#gotHead(head)) return;
    // Booked first: with the answer in hand the client may ask another worker, which should see the server free.
    this.#settle(this.#status < 500, this.#headAt);
    try {
      this.response.whole(this.#owner, head, text, start, end);
    } catch (error) {
      this.#abort(error);
    }
  }

  onResponseHead(head: ResponseHead, kind: number, more: boolean): void {
    if (!this.#gotHead(head)) return;
    this.response.begin(this.#owner, head, kind, more);
  }

  onResponseData(buffer: Buffer, start: number, end: number): boolean {
    try {
      return this.response.data(this.#owner, buffer, start, end, this.#connection);
    } catch (error) {
      this.#abort(error);
      return false;
    }
  }

  /** A filter threw in the middle of the answer. */
  #abort(error: unknown): void {
    this.#filterThrew(error);
    this.cut();
    this.#owner.abort(errors.filterFailed);
  }

  #filterThrew(error: unknown): void {
    this.#context.log("error", `a filter failed: ${error instanceof Error ? error.stack : String(error)}`);
  }

  /** False when a filter failed, which ends the exchange: what it would have removed must not get out. */
  #gotHead(head: ResponseHead): boolean {
    this.#headAt = this.#context.clock.now();
    this.#latency = this.#headAt - this.#sentAt;
    this.#status = head.status;
    this.wantsUpgrade = false;
    const { hasBody, downstream } = this.#owner;
    // The rest of the body cannot go anywhere, or may never come: the client should know that this connection ends.
    if (hasBody && !this.#body.complete && (!head.keepAlive || (this.#owner.head.expectContinue && !this.#continued)))
      downstream.closeAfterAnswer();
    this.#body.forget();
    if (this.#pool.readsReports) this.#readReport(head);
    const { view, chain } = this.#owner;
    if (view === null) return true;
    const response = view.setResponse(head);
    for (const filter of chain!.responseHead) {
      try {
        filter.onResponseHead(view);
      } catch (error) {
        this.cut();
        this.#owner.filterFailed(error);
        return false;
      }
    }
    if (response.status !== head.status) this.#status = response.status;
    return true;
  }

  #readReport(head: ResponseHead): void {
    const report = head.get(LOAD_REPORT_FIELD);
    const utilisation = report === undefined ? undefined : reportedUtilisation(report);
    if (utilisation !== undefined) this.#context.scoreboard.report(this.server!.slot, utilisation, this.#headAt);
  }

  onResponseEnd(trailers: string): void {
    this.#connection = null;
    this.response.end(this.#owner, trailers);
    // Settled already: the answer came in one piece, and no time has passed since its head.
    const now = this.#counted ? this.#context.clock.now() : this.#headAt;
    this.#settle(this.#status < 500, now);
    this.#owner.answered(this.#status, now);
  }

  /** The client can take more of the answer. */
  resume(): void {
    this.#connection?.resumeReading();
  }

  // --- tunnels ---

  onUpgraded(head: ResponseHead, rest: Buffer): void {
    const { downstream, view } = this.#owner;
    if (!this.#gotHead(head)) return;
    this.response.started = true;
    this.tunnel = true;
    const lines = `Connection: Upgrade\r\nUpgrade: ${head.getById(FieldId.upgrade) ?? ""}\r\n`;
    downstream.becomeTunnel(clientResponseHead(view, head, false, lines, ""), rest);
  }

  onTunnelData(buffer: Buffer, start: number, end: number): boolean {
    return this.#owner.downstream.tunnelWrite(buffer.subarray(start, end), this.#connection!);
  }

  onTunnelEnd(): void {
    this.#owner.downstream.tunnelEnded();
  }

  /** Bytes from the client; false asks it to pause. */
  tunnelSend(bytes: Buffer): boolean {
    const connection = this.#connection!;
    connection.send(bytes);
    return !connection.needsDrain;
  }

  /** The client has sent its last byte. */
  tunnelClientEnded(): void {
    this.#connection?.endTunnel();
  }

  // --- failures ---

  onUpstreamFailure(error: ProxyError, reused: boolean): void {
    this.#connection = null;
    if (this.tunnel) {
      const now = this.#context.clock.now();
      this.#settle(true, now);
      this.#owner.downstream.tunnelClosed();
      return this.#owner.answered(this.#status, now);
    }
    if (this.response.started) {
      this.#settle(false, this.#context.clock.now());
      return this.#owner.abort(error);
    }
    // The server may have closed the idle connection just as the request went out, and that is not its failure.
    if (reused && !this.#retriedFresh && error === errors.connectionLost && this.#mayRetry(error)) {
      this.#retriedFresh = true;
      return this.#acquire(true);
    }
    this.#settle(false, this.#context.clock.now());
    this.#retryOrFail(error);
  }

  #mayRetry(error: ProxyError): boolean {
    return mayRetry(error, this.method, this.#body.replayable(this.#owner.hasBody));
  }

  #retryOrFail(error: ProxyError): void {
    if (this.#attempts >= this.#pool.config.retries.attempts || !this.#mayRetry(error)) return this.#owner.fail(error);
    this.#attempts++;
    this.#excluded.push(this.server!.slot);
    // A request without Host gets the server's name, so its head is not the same for another one.
    if (this.#owner.head.authority === "") this.#head = "";
    this.#dispatch(error);
  }

  /** Gives up whatever is going on, for a reason that is not the server's fault. */
  cut(): void {
    if (this.#waiting) {
      this.#stopWaiting();
      this.server!.connections.cancel(this);
    }
    this.#connection?.destroy();
    this.#connection = null;
    this.#release();
  }

  /** Books the end of the use of a server, without an outcome. */
  #release(): void {
    if (!this.#counted) return;
    this.#counted = false;
    this.#context.scoreboard.end(this.server!.slot);
  }

  /** Books the end of the use of a server and how it went. */
  #settle(success: boolean, now: number): void {
    if (!this.#counted) return;
    const server = this.server!;
    this.#release();
    this.#context.scoreboard.complete(server.slot, this.#latency, success, this.#status, now);
    this.#pool.complete(server, this.#latency, success, this.#status);
  }
}

function uncork(connection: UpstreamConnection): void {
  connection.uncork();
}
