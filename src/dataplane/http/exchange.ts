import type { BalanceContext, Server } from "../../core/balancing/balancer.ts";
import { LOAD_REPORT_FIELD, reportedUtilisation } from "../../core/balancing/load-report.ts";
import { errors, type ProxyError } from "../../core/errors.ts";
import type { Answer } from "../../core/filtering/filter.ts";
import { mayRetry } from "../../core/retry/retry-rule.ts";
import type { RouteRequest } from "../../core/routing/route-match.ts";
import { FieldId } from "../../http1/fields.ts";
import { RequestHead } from "../../http1/request-head.ts";
import { BODY_LENGTH, BODY_NONE, type ResponseHead } from "../../http1/response-head.ts";
import type { ListenerPlan, RoutePlan } from "../plan.ts";
import type { Timed } from "../timer-wheel.ts";
import type { PoolRuntime } from "../upstream/pool-runtime.ts";
import type { ConnectionWaiter } from "../upstream/server-connections.ts";
import type { UpstreamConnection } from "../upstream/upstream-connection.ts";
import type { UpstreamServer } from "../upstream/upstream-server.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { ClientConnection } from "./client-connection.ts";
import { frameChunk, LAST_CHUNK } from "./chunk-framing.ts";
import { clientResponseHead } from "./client-response.ts";
import { responseDrops } from "./dropped-fields.ts";
import { FilterView } from "./filter-view.ts";
import { RequestBody } from "./request-body.ts";
import { upstreamRequestHead } from "./upstream-request.ts";

/** How the answer's body goes on to the client. */
const AS_IT_IS = 0;
const AS_CHUNKS = 1;

/**
 * One request and its answer: routing, filters, the choice of a server, retries, and the relay between the client's
 * connection and a server's. Objects are used again; `begin` makes one ready and `#release` gives it back.
 */
export class Exchange implements BalanceContext, RouteRequest, ConnectionWaiter, Timed {
  readonly head = new RequestHead();
  readonly body = new RequestBody();
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  connection!: ClientConnection;
  plan!: ListenerPlan;
  route: RoutePlan | null = null;
  pool: PoolRuntime | null = null;
  server: UpstreamServer | null = null;
  view: FilterView | null = null;
  id = "";
  /** The client's address, after trusted proxies. */
  client = "";
  path = "";
  query = "";
  rewrittenHost = "";
  hasBody = false;
  wantsUpgrade = false;
  hashKey = 0;
  /** From `start` to the end. */
  running = false;
  /** The answer's head has gone to the client. */
  responseStarted = false;
  readonly #context: WorkerContext;
  #upstream: UpstreamConnection | null = null;
  #upstreamHead = "";
  #startedAt = 0;
  #sentAt = 0;
  #latency = NaN;
  /** Slots of servers that failed this request or are full. */
  readonly #excluded: number[] = [];
  #attempts = 0;
  /** The request counts as in flight on `server`. */
  #counted = false;
  #waiting = false;
  #retriedFresh = false;
  #framing = AS_IT_IS;
  #pendingHead = "";
  #status = 0;
  #tunnel = false;
  /** Grows with each use of the object, so that what comes late can be told. */
  #generation = 0;

  constructor(context: WorkerContext) {
    this.#context = context;
  }

  get method(): string {
    return this.head.method;
  }
  get host(): string {
    return this.head.host;
  }
  get(name: string): string | undefined {
    return this.head.get(name);
  }
  cookie(name: string): string | undefined {
    return this.head.cookie(name);
  }
  clientAddress(): string {
    return this.client;
  }
  get bodyTimeout(): number {
    return this.plan.config.limits.bodyTimeout;
  }
  get keepsHead(): boolean {
    return this.view !== null;
  }
  /** The answer's chunked body may go on as received: the client knows chunks, and no filter wants to see the data. */
  get takesChunks(): boolean {
    return this.head.minor === 1 && this.view === null;
  }
  get tunnel(): boolean {
    return this.#tunnel;
  }
  isExcluded(server: Server): boolean {
    return this.#excluded.length !== 0 && this.#excluded.includes(server.slot);
  }

  /** The head is there: from here on the exchange runs by itself. */
  start(connection: ClientConnection): void {
    const { head } = this;
    const plan = connection.listener.plan;
    this.connection = connection;
    this.plan = plan;
    this.running = true;
    this.#startedAt = this.#context.clock.now();
    this.path = head.path;
    this.query = head.query;
    this.hasBody = head.chunked || head.contentLength > 0;
    this.wantsUpgrade = head.upgrade && !this.hasBody && mayUpgrade(head);
    connection.identify(this);
    if (head.method === "CONNECT") return this.fail(errors.connectNotSupported);
    if (plan.config.limits.maxBodySize !== 0 && head.contentLength > plan.config.limits.maxBodySize)
      return this.fail(errors.bodyTooLarge);
    const index = plan.table.match(this);
    if (index < 0) return this.fail(errors.noRoute);
    const route = (this.route = plan.routes[index]!);
    if (route.chain !== null) {
      this.view = new FilterView(this);
      if (route.chain.requestHead.length !== 0) return this.#filterHead(0);
    }
    this.#forward();
  }

  /** Runs the filters' onRequestHead from `first` on; a promise is waited for without holding anybody else up. */
  #filterHead(first: number): void {
    const filters = this.route!.chain!.requestHead;
    for (let i = first; i < filters.length; i++) {
      let result: Answer | void | Promise<Answer | void>;
      try {
        result = filters[i]!.onRequestHead!(this.view!);
      } catch (error) {
        return this.#filterFailed(error);
      }
      if (result === undefined) continue;
      if (!(result instanceof Promise)) return this.#answer(result);
      const generation = this.#generation;
      result.then(
        (answer) => {
          if (this.#generation !== generation) return;
          if (answer === undefined) this.#filterHead(i + 1);
          else this.#answer(answer);
        },
        (error: unknown) => {
          if (this.#generation === generation) this.#filterFailed(error);
        },
      );
      return;
    }
    this.#forward();
  }

  #filterFailed(error: unknown): void {
    this.#context.log("error", `filter of route ${this.route!.name}: ${error instanceof Error ? error.stack : String(error)}`);
    this.#upstream?.destroy();
    this.#upstream = null;
    this.fail(errors.filterFailed);
  }

  #forward(): void {
    const route = this.route!;
    if (route.redirect !== null) {
      const location = route.redirect.location(this, this.connection.secure ? "https" : "http", this.head.authority);
      return this.#answer({ status: route.redirect.status, headers: { Location: location } });
    }
    if (route.respond !== null) return this.#answer(route.respond);
    if (route.rewrite !== null) {
      const path = route.rewrite.path(this.path);
      if (path === null) return this.fail(errors.badRewrite);
      this.path = path;
      this.rewrittenHost = route.rewrite.host ?? "";
    }
    const pool = (this.pool = route.choosePool(this.#context.random));
    if (pool.hashKey !== null) this.hashKey = pool.hashKey(this);
    this.body.limit = pool.config.retries.bufferLimit;
    this.body.expected = this.head.contentLength;
    this.#dispatch(undefined);
  }

  /** Chooses a server and gets a connection to it. */
  #dispatch(failure: ProxyError | undefined): void {
    const pool = this.pool!;
    let full = false;
    for (;;) {
      const server = pool.choose(this);
      if (server === undefined) return this.fail(failure ?? (full ? errors.overloaded : errors.noServer));
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
    const { connections } = this.server!;
    this.#waiting = true;
    connections.acquire(this, fresh);
    if (!this.#waiting) return;
    // All connections are in use: wait for one as long as one may take to be made.
    this.deadline = this.#context.now + this.pool!.config.upstream.connectTimeout;
    this.#context.wheel.arm(this);
  }

  onConnection(connection: UpstreamConnection): void {
    this.#waiting = false;
    this.#context.wheel.disarm(this);
    this.#upstream = connection;
    if (connection.connected) this.#send();
  }

  onNoConnection(error: ProxyError): void {
    this.#waiting = false;
    this.#context.wheel.disarm(this);
    this.#settle(false);
    this.#retryOrFail(error);
  }

  onDeadline(): void {
    this.#waiting = false;
    this.server!.connections.cancel(this);
    this.#settle(true);
    this.fail(errors.overloaded);
  }

  onConnected(): void {
    this.#send();
  }

  /** The connection is there: writes the head, and what of the body has come so far. */
  #send(): void {
    const upstream = this.#upstream!;
    const reframed = this.route!.chain !== null && this.route!.chain.requestBody.length !== 0;
    if (this.#upstreamHead === "") this.#upstreamHead = upstreamRequestHead(this, reframed);
    this.#sentAt = this.#context.clock.now();
    if (!this.hasBody) {
      upstream.sendHead(this.#upstreamHead);
      upstream.requestSent();
      return;
    }
    upstream.cork();
    upstream.sendHead(this.#upstreamHead);
    this.body.sendTo(upstream);
    upstream.uncork();
    if (this.body.complete) upstream.requestSent();
    if (!upstream.needsDrain) this.connection.resumeReading();
  }

  /** Bytes of the request's body in the framing in which they go on; false asks the client to pause. */
  onRequestData(bytes: Buffer): boolean {
    const upstream = this.#upstream;
    if (upstream === null || !upstream.connected) return this.body.hold(bytes);
    this.body.keepCopy(bytes);
    upstream.send(bytes);
    return !upstream.needsDrain;
  }

  /** Bytes of the body's data, for routes whose filters want to see them. */
  onRequestFiltered(data: Buffer): boolean {
    let piece: Uint8Array = data;
    for (const filter of this.route!.chain!.requestBody) {
      try {
        piece = filter.onRequestBody!(this.view!, piece) ?? piece;
      } catch (error) {
        this.#filterFailed(error);
        return false;
      }
    }
    return piece.length === 0 || this.onRequestData(frameChunk(piece));
  }

  get filtersRequestBody(): boolean {
    const chain = this.route?.chain ?? null;
    return chain !== null && chain.requestBody.length !== 0;
  }

  /** True when the present connection has taken all that was sent; what was handed over may be overwritten then. */
  get requestTaken(): boolean {
    return this.#upstream !== null && this.#upstream.connected && this.#upstream.unsent === 0;
  }

  /** The request's body is complete; `ending` are the bytes that end it in its framing. */
  onRequestEnd(ending: string): void {
    const upstream = this.#upstream;
    if (ending !== "") this.onRequestData(Buffer.from(ending, "latin1"));
    this.body.complete = true;
    if (upstream?.connected === true) upstream.requestSent();
  }

  onUpstreamDrain(): void {
    if (this.#tunnel || !this.body.complete) this.connection.resumeReading();
  }

  onInformational(head: ResponseHead): void {
    // HTTP/1.0 knows no 1xx (RFC 9110 15.2).
    if (this.head.minor === 1) this.connection.write(`${head.statusLine}${head.keptLines(responseDrops)}\r\n`);
  }

  onWholeResponse(head: ResponseHead, text: string, start: number, end: number): void {
    this.#gotHead(head);
    if (this.view !== null) {
      this.#startResponse(head, end > start ? BODY_LENGTH : BODY_NONE, true);
      if (end > start) this.onResponseData(Buffer.from(text.slice(start, end), "latin1"), 0, end - start);
      return;
    }
    this.responseStarted = true;
    this.connection.write(clientResponseHead(this, head, false, "", this.connection.connectionLine(this)) + text.slice(start, end));
  }

  onResponseHead(head: ResponseHead, kind: number, more: boolean): void {
    this.#gotHead(head);
    this.#startResponse(head, kind, more);
  }

  #gotHead(head: ResponseHead): void {
    this.#latency = this.#context.clock.now() - this.#sentAt;
    this.#status = head.status;
    this.wantsUpgrade = false;
    this.body.forget();
    if (this.pool!.readsReports) this.#readReport(head);
    if (this.view === null) return;
    const response = this.view.setResponse(head);
    for (const filter of this.route!.chain!.responseHead) {
      try {
        filter.onResponseHead!(this.view);
      } catch (error) {
        this.#context.log("error", `filter of route ${this.route!.name}: ${String(error)}`);
      }
    }
    this.#status = response.status;
  }

  #readReport(head: ResponseHead): void {
    const report = head.get(LOAD_REPORT_FIELD);
    const utilisation = report === undefined ? undefined : reportedUtilisation(report);
    if (utilisation !== undefined)
      this.#context.scoreboard.report(this.server!.slot, utilisation, this.#context.clock.now());
  }

  /** Writes the head, or keeps it for the first bytes of the body if these are there already. */
  #startResponse(head: ResponseHead, kind: number, more: boolean): void {
    const { connection } = this;
    const filtered = this.view !== null && this.route!.chain!.responseBody.length !== 0 && kind !== BODY_NONE;
    this.responseStarted = true;
    this.#framing = AS_IT_IS;
    let reframed = filtered;
    let framing = "";
    if (filtered || (kind !== BODY_NONE && kind !== BODY_LENGTH)) {
      reframed = true;
      if (this.head.minor === 1) {
        this.#framing = AS_CHUNKS;
        framing = "Transfer-Encoding: chunked\r\n";
      } else connection.closeAfterAnswer();
    }
    this.#pendingHead = clientResponseHead(this, head, reframed, framing, connection.connectionLine(this));
    if (!more || kind === BODY_NONE) this.#flushHead();
  }

  #flushHead(): void {
    const head = this.#pendingHead;
    this.#pendingHead = "";
    if (head !== "") this.connection.write(head);
  }

  onResponseData(buffer: Buffer, start: number, end: number): boolean {
    const { connection } = this;
    const chain = this.view === null ? null : this.route!.chain!;
    if (chain !== null && chain.responseBody.length !== 0) return this.#filteredData(buffer.subarray(start, end));
    const head = this.#pendingHead;
    if (this.#framing === AS_CHUNKS) {
      this.#pendingHead = "";
      if (head === "") connection.write(frameChunk(buffer.subarray(start, end)));
      else {
        connection.cork();
        connection.write(head);
        connection.write(frameChunk(buffer.subarray(start, end)));
        connection.uncork();
      }
      return !connection.needsDrain;
    }
    const bytes = start === 0 && end === buffer.length ? buffer : buffer.subarray(start, end);
    if (head !== "") {
      this.#pendingHead = "";
      connection.cork();
      connection.write(head);
      connection.write(bytes);
      connection.uncork();
    } else connection.write(bytes);
    // What the kernel did not take at once still lies in the read buffer.
    if (connection.unsent > 0) this.#upstream?.replaceBuffer();
    return !connection.needsDrain;
  }

  #filteredData(data: Buffer): boolean {
    let piece: Uint8Array = data;
    for (const filter of this.route!.chain!.responseBody) {
      try {
        piece = filter.onResponseBody!(this.view!, piece) ?? piece;
      } catch (error) {
        this.#context.log("error", `filter of route ${this.route!.name}: ${String(error)}`);
        this.#upstream?.destroy();
        this.#upstream = null;
        this.#settle(true);
        this.#abort(errors.filterFailed);
        return false;
      }
    }
    this.#flushHead();
    if (piece.length > 0) this.connection.write(this.#framing === AS_CHUNKS ? frameChunk(piece) : Buffer.from(piece));
    return !this.connection.needsDrain;
  }

  onResponseEnd(trailers: string): void {
    this.#upstream = null;
    this.#flushHead();
    if (this.#framing === AS_CHUNKS) this.connection.write(trailers === "" ? LAST_CHUNK : `0\r\n${trailers}\r\n`);
    this.#settle(this.#status < 500);
    this.#finish(undefined);
  }

  onUpgraded(head: ResponseHead, rest: Buffer): void {
    const protocol = head.getById(FieldId.upgrade) ?? "";
    this.#gotHead(head);
    this.responseStarted = true;
    this.#tunnel = true;
    const lines = `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`;
    this.connection.becomeTunnel(clientResponseHead(this, head, false, lines, ""), rest);
  }

  onTunnelData(buffer: Buffer, start: number, end: number): boolean {
    return this.connection.tunnelWrite(buffer, start, end, this.#upstream!);
  }

  onTunnelEnd(): void {
    this.connection.tunnelEnded();
  }

  /** Bytes from the client, in a tunnel. False asks the client to pause. */
  tunnelSend(bytes: Buffer): boolean {
    const upstream = this.#upstream!;
    upstream.send(bytes);
    return !upstream.needsDrain;
  }

  /** The client has sent its last byte, in a tunnel. */
  tunnelClientEnded(): void {
    this.#upstream?.endTunnel();
  }

  /** The client can take more of the answer. */
  onClientDrain(): void {
    this.#upstream?.resumeReading();
  }

  onUpstreamFailure(error: ProxyError, reused: boolean): void {
    this.#upstream = null;
    if (this.#tunnel) {
      this.#settle(true);
      this.connection.tunnelClosed();
      return this.#finish(undefined);
    }
    if (this.responseStarted) {
      this.#settle(false);
      return this.#abort(error);
    }
    const repeatable = this.body.replayable(this.hasBody);
    // The server may have closed the idle connection just as the request went out: its fault it is not. Once on a new one.
    if (reused && !this.#retriedFresh && error === errors.connectionLost && mayRetry(error, this.method, repeatable)) {
      this.#retriedFresh = true;
      return this.#acquire(true);
    }
    this.#settle(false);
    this.#retryOrFail(error);
  }

  #retryOrFail(error: ProxyError): void {
    const repeatable = this.body.replayable(this.hasBody);
    if (this.#attempts < this.pool!.config.retries.attempts && mayRetry(error, this.method, repeatable)) {
      this.#attempts++;
      this.#excluded.push(this.server!.slot);
      // A request without Host gets the server's name, so its head is not the same for another one.
      if (this.head.authority === "") this.#upstreamHead = "";
      return this.#dispatch(error);
    }
    this.fail(error);
  }

  /** The client is gone: nothing is left to be done for it. */
  clientGone(error: ProxyError): void {
    if (this.#waiting) {
      this.#waiting = false;
      this.#context.wheel.disarm(this);
      this.server!.connections.cancel(this);
    }
    this.#upstream?.destroy();
    this.#upstream = null;
    // Not the server's failure, so it is not counted as one.
    this.#settle(true, true);
    this.#finish(error, true);
  }

  /** The request itself turned out bad after its head had gone on: cut upstream, answer if that is still possible. */
  refuse(error: { readonly code: string; readonly status: number; readonly message?: string; readonly reason?: string }): void {
    this.#upstream?.destroy();
    this.#upstream = null;
    if (this.#waiting) {
      this.#waiting = false;
      this.#context.wheel.disarm(this);
      this.server!.connections.cancel(this);
    }
    this.#settle(true, true);
    this.connection.closeAfterAnswer();
    if (this.responseStarted) return this.#abort(error);
    this.#status = error.status;
    this.connection.answerError(this, error, error.message ?? error.reason ?? "");
    this.#finish(error);
  }

  /** Ends the exchange with an error answer. */
  fail(error: ProxyError): void {
    this.#status = error.status;
    this.connection.answerError(this, error, error.message);
    this.#finish(error);
  }

  #answer(answer: Answer): void {
    this.#status = answer.status;
    this.connection.answer(this, answer);
    this.#finish(undefined);
  }

  /** An answer that has begun cannot be completed: the client learns it by the connection being cut. */
  #abort(error: { readonly code: string }): void {
    const { connection } = this;
    this.#finish(error, true);
    connection.cut();
  }

  /** Books the end of the use of a server. */
  #settle(success: boolean, uncounted = false): void {
    if (!this.#counted) return;
    this.#counted = false;
    const server = this.server!;
    const { scoreboard, clock } = this.#context;
    scoreboard.end(server.slot);
    if (uncounted) return;
    const now = clock.now();
    scoreboard.complete(server.slot, this.#latency, success, this.#status, now);
    this.pool!.complete(server, this.#latency, success, this.#status);
  }

  #finish(error: { readonly code: string } | undefined, gone = false): void {
    const { connection, view, route } = this;
    const duration = this.#context.clock.now() - this.#startedAt;
    connection.count(this.#status, duration);
    if (view !== null && route!.chain !== null && route!.chain.complete.length !== 0) {
      const result = { status: gone && !this.responseStarted ? 0 : this.#status, error: error?.code, duration };
      for (const filter of route!.chain.complete) {
        try {
          filter.onComplete!(view, result);
        } catch (failure) {
          this.#context.log("error", `filter of route ${route!.name}: ${String(failure)}`);
        }
      }
    }
    this.#clear();
    if (!gone) connection.exchangeDone();
    else connection.forget();
  }

  /** Gives up a request whose head was never complete. */
  discard(): void {
    this.#clear();
  }

  #clear(): void {
    this.#generation++;
    this.running = false;
    this.head.reset();
    this.body.reset();
    this.route = null;
    this.pool = null;
    this.server = null;
    this.view = null;
    this.rewrittenHost = "";
    this.hashKey = 0;
    this.#upstream = null;
    this.#upstreamHead = "";
    this.#latency = NaN;
    this.#excluded.length = 0;
    this.#attempts = 0;
    this.#counted = false;
    this.#waiting = false;
    this.#retriedFresh = false;
    this.responseStarted = false;
    this.#framing = AS_IT_IS;
    this.#pendingHead = "";
    this.#status = 0;
    this.#tunnel = false;
  }
}

/** HTTP/2 by upgrade would carry requests past routing and filters, so it is never passed on (RFC 9113 3.1 dropped it). */
function mayUpgrade(head: RequestHead): boolean {
  const protocol = (head.getById(FieldId.upgrade) ?? "").toLowerCase();
  return protocol !== "" && !/(^|[\s,])(h2c?|http\/2(\.0)?)\s*($|,)/.test(protocol);
}
