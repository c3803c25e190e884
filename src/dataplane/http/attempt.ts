import { LOAD_REPORT_FIELD, reportedUtilisation } from "../../core/balancing/load-report.ts";
import { errors, type ProxyError } from "../../core/errors.ts";
import { serverFault, statusInTrailers } from "../../core/grpc/status.ts";
import type { ResponseHead } from "../../http1/response-head.ts";
import type { Timed } from "../timer-wheel.ts";
import type { PoolRuntime } from "../upstream/pool-runtime.ts";
import type { ConnectionWaiter } from "../upstream/server-connections.ts";
import type { RequestChannel } from "../upstream/request-channel.ts";
import type { UpstreamServer } from "../upstream/upstream-server.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { AnswerRelay } from "./answer-relay.ts";

/** How often one try may be refused unprocessed by an HTTP/2 server before another server is asked. */
const MAX_REFUSALS = 5;

/** The request that tries are made for: decides what becomes of each. */
export interface AttemptOwner {
  readonly method: string;
  readonly wantsUpgrade: boolean;
  readonly bodyTimeout: number;
  readonly keepsHead: boolean;
  readonly takesChunks: boolean;
  /** The request is a gRPC call. */
  readonly isGrpc: boolean;
  /** The connection is there: write the request. */
  attemptConnected(attempt: Attempt): void;
  /** It failed before any of an answer was passed on, and is booked. */
  attemptFailed(attempt: Attempt, error: ProxyError): void;
  /** Whether the rules let the request go to another server after this failure. */
  mayGoOn(error: ProxyError): boolean;
  /** The request may be repeated on the same server, whose idle connection had just been closed. */
  mayRepeat(error: ProxyError): boolean;
  /** Whether an answer with this head is to be thrown away, because another server will be asked. */
  wantsAnother(attempt: Attempt, head: ResponseHead): boolean;
  /** It ended after `wantsAnother` or `mayMove` said so. */
  attemptGivenUp(): void;
  /** Whether the request will go to another server, this one having turned out to be dead. */
  mayMove(attempt: Attempt, error: ProxyError): boolean;
  /** The answer's head is there; false when the exchange has ended over it. */
  gotHead(attempt: Attempt, head: ResponseHead): boolean;
  informational(attempt: Attempt, head: ResponseHead): void;
  drained(attempt: Attempt): void;
}

/**
 * One try of a request on one server: gets the connection, hears the answer, and books how it went. One is part of each
 * exchange and used again; a second one exists only for a hedged request.
 */
export class Attempt implements ConnectionWaiter, Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  server: UpstreamServer | null = null;
  connection: RequestChannel | null = null;
  /** By the clock: when the request was sent, and when the answer's head came. */
  sentAt = 0;
  headAt = 0;
  /** ms between the two; NaN before. */
  latency = NaN;
  /** Of the answer, for the books: a gRPC call that failed by the server's fault has no 200 there. */
  status = 0;
  /** The server has asked for the body by a 100. */
  continued = false;
  readonly #leg: AttemptOwner;
  readonly #relay: AnswerRelay;
  readonly #context: WorkerContext;
  #pool!: PoolRuntime;
  /** The request counts as in flight on `server`; and as a trial of its half-open breaker. */
  #counted = false;
  #trial = false;
  #waiting = false;
  #retriedFresh = false;
  #refusals = 0;
  /** What comes of the answer is thrown away. */
  #discard = false;
  #tryDeadline = Infinity;

  constructor(leg: AttemptOwner, relay: AnswerRelay, context: WorkerContext) {
    this.#leg = leg;
    this.#relay = relay;
    this.#context = context;
  }

  get method(): string {
    return this.#leg.method;
  }
  get wantsUpgrade(): boolean {
    return this.#leg.wantsUpgrade;
  }
  get bodyTimeout(): number {
    return this.#leg.bodyTimeout;
  }
  get keepsHead(): boolean {
    return this.#leg.keepsHead;
  }
  get takesChunks(): boolean {
    return this.#leg.takesChunks;
  }

  reset(): void {
    this.server = null;
    this.connection = null;
    this.sentAt = 0;
    this.latency = NaN;
    this.status = 0;
    this.continued = false;
    this.#counted = false;
    this.#waiting = false;
    this.#retriedFresh = false;
    this.#refusals = 0;
    this.#discard = false;
  }

  /** Something is under way. */
  get running(): boolean {
    return this.connection !== null || this.#waiting;
  }

  /** Begins on a server on which the request has been counted already (`trial`: as a trial too). */
  begin(pool: PoolRuntime, server: UpstreamServer, trial: boolean): void {
    this.#pool = pool;
    this.server = server;
    this.latency = NaN;
    this.status = 0;
    this.continued = false;
    this.#counted = true;
    this.#trial = trial;
    this.#retriedFresh = false;
    this.#refusals = 0;
    this.#discard = false;
    const { tryTimeout } = pool.config.retries;
    this.#tryDeadline = tryTimeout === 0 ? Infinity : this.#context.now + tryTimeout;
    this.#acquire(false);
  }

  #acquire(fresh: boolean): void {
    this.#waiting = true;
    this.server!.connections.acquire(this, fresh);
    if (this.#waiting) {
      // All connections are in use: wait for one as long as one may take to be made.
      this.deadline = Math.min(this.#tryDeadline, this.#context.now + this.#pool.config.upstream.connectTimeout);
      this.#context.wheel.arm(this);
    }
  }

  /** Not by its place in the wheel: while the wheel runs what is due, that has none any more. */
  #stopTimer(): void {
    if (this.deadline !== Infinity) this.#context.wheel.disarm(this);
  }

  onConnection(connection: RequestChannel): void {
    this.#waiting = false;
    this.connection = connection;
    if (this.#tryDeadline === Infinity) this.#stopTimer();
    else {
      this.deadline = this.#tryDeadline;
      this.#context.wheel.arm(this);
    }
    if (connection.connected) this.#leg.attemptConnected(this);
  }

  onNoConnection(error: ProxyError): void {
    this.#waiting = false;
    this.#stopTimer();
    // A connection that could not be made, for this request among others.
    if (error.retry === "always" && error !== errors.serverGone) this.#settle(error, this.#context.clock.now());
    else this.#release();
    this.#leg.attemptFailed(this, error);
  }

  /** The last byte of the request's body has come from the client and was sent: from now on it is the server's turn. */
  requestComplete(): void {
    if (this.latency >= 0) return;
    this.sentAt = this.#context.clock.now();
    if (this.#tryDeadline !== Infinity) this.#restartTry();
  }

  #restartTry(): void {
    this.#tryDeadline = this.deadline = this.#context.now + this.#pool.config.retries.tryTimeout;
    this.#context.wheel.arm(this);
  }

  onDeadline(now: number): void {
    if (this.#waiting) {
      this.#waiting = false;
      const { waitedInVain } = this.server!.connections;
      // Of a request whose connection is still being made nothing was sent.
      const isTryOver = now >= this.#tryDeadline && waitedInVain !== errors.connectTimeout;
      this.server!.connections.cancel(this);
      this.#release();
      return this.#leg.attemptFailed(this, isTryOver ? errors.tryTimeout : waitedInVain);
    }
    if (this.connection === null) return;
    if (this.connection.waitsForBody) return this.#restartTry();
    const { queue } = this.#pool;
    // Of a request whose connection is still being made nothing was sent.
    const error = this.connection.connected ? errors.tryTimeout : errors.connectTimeout;
    if (!this.#leg.mayGoOn(error)) {
      // Nobody else may be asked: then the usual timeouts hold.
      this.#tryDeadline = Infinity;
      return;
    }
    this.connection.destroy();
    this.connection = null;
    this.#settle(errors.tryTimeout, this.#context.clock.now());
    this.#leg.attemptFailed(this, error);
    if (queue.length !== 0) queue.advance();
  }

  onConnected(): void {
    this.#leg.attemptConnected(this);
  }

  onUpstreamDrain(): void {
    this.#leg.drained(this);
  }

  onInformational(head: ResponseHead): void {
    if (head.status === 100) this.continued = true;
    this.#leg.informational(this, head);
  }

  onWholeResponse(head: ResponseHead, text: string, start: number, end: number): void {
    this.#gotHead(head);
    if (this.#leg.wantsAnother(this, head)) {
      this.#discard = true;
      return;
    }
    if (!this.#leg.gotHead(this, head)) return;
    // Booked first: with the answer in hand the client may ask another worker, which should see the server free.
    this.#settle(null, this.headAt);
    this.#relay.whole(head, text, start, end);
  }

  onResponseHead(head: ResponseHead, kind: number, more: boolean): void {
    this.#gotHead(head);
    if (this.#leg.wantsAnother(this, head)) {
      const { queue } = this.#pool;
      // Its body may be long: the connection is the smaller loss.
      this.connection!.destroy();
      this.connection = null;
      this.#settle(null, this.headAt);
      this.#leg.attemptGivenUp();
      if (queue.length !== 0) queue.advance();
      return;
    }
    if (this.#leg.gotHead(this, head)) this.#relay.head(head, kind, more);
  }

  #gotHead(head: ResponseHead): void {
    this.#stopTimer();
    this.headAt = this.#context.clock.now();
    // An early answer: how long the client took over its body until then is not the server's latency.
    if (this.connection!.incomplete) this.sentAt = Math.max(this.sentAt, this.connection!.lastSentAt);
    this.latency = this.headAt - this.sentAt;
    this.status = head.status;
    if (this.#leg.isGrpc && head.status === 200) this.status = serverFault(head.get("grpc-status"));
    if (this.#pool.readsReports) this.#readReport(head);
  }

  #readReport(head: ResponseHead): void {
    const report = head.get(LOAD_REPORT_FIELD);
    const utilisation = report === undefined ? undefined : reportedUtilisation(report);
    if (utilisation !== undefined) this.#context.scoreboard.report(this.server!.slot, utilisation, this.headAt);
  }

  onResponseData(buffer: Buffer, start: number, end: number): boolean {
    return this.#relay.data(buffer, start, end, this.connection);
  }

  onResponseEnd(trailers: string): void {
    this.connection = null;
    if (this.status === 200 && trailers !== "" && this.#leg.isGrpc)
      this.status = serverFault(statusInTrailers(trailers));
    // Settled already: the answer came in one piece, and no time has passed since its head.
    const now = this.#counted && !this.#discard ? this.#context.clock.now() : this.headAt;
    this.#settle(null, now);
    const { queue } = this.#pool;
    if (this.#discard) {
      this.#discard = false;
      this.#leg.attemptGivenUp();
    } else this.#relay.end(trailers, now);
    // Only now: the next in line finds this one's connection.
    if (queue.length !== 0) queue.advance();
  }

  onUpgraded(head: ResponseHead, rest: Buffer): void {
    this.#gotHead(head);
    if (this.#leg.gotHead(this, head)) this.#relay.upgraded(head, rest);
  }

  onTunnelData(buffer: Buffer, start: number, end: number): boolean {
    return this.#relay.tunnelData(buffer.subarray(start, end), this.connection!);
  }

  onTunnelEnd(): void {
    this.#relay.tunnelEnd();
  }

  onServerClosing(): void {
    this.#relay.closeTunnel();
  }

  onServerSuspect(error: ProxyError): boolean {
    if (this.latency >= 0 || !this.#leg.mayMove(this, error)) return false;
    this.cut();
    this.#leg.attemptGivenUp();
    return true;
  }

  onUpstreamFailure(error: ProxyError, reused: boolean): void {
    // The exchange may be over, and this object another one's, when the leg has heard of it.
    const { queue } = this.#pool;
    const keptWaiting = this.connection?.keptWaiting === true;
    this.connection = null;
    this.#stopTimer();
    if (this.latency >= 0) {
      if (keptWaiting && !this.#relay.tunnel) this.#release();
      else this.#settle(this.#relay.tunnel ? null : error, this.#context.clock.now());
      this.#relay.broken(error);
      if (queue.length !== 0) queue.advance();
      return;
    }
    // The server may have closed the idle connection just as the request went out, and that is not its failure.
    if (reused && !this.#retriedFresh && error === errors.connectionLost && this.#leg.mayRepeat(error)) {
      this.#retriedFresh = true;
      return this.#acquire(true);
    }
    // A server that ends a connection in good order, or takes fewer requests on it than were sent, takes it on another one.
    if (error === errors.refusedStream && this.#refusals < MAX_REFUSALS && this.#leg.mayRepeat(error)) {
      this.#refusals++;
      return this.#acquire(false);
    }
    if (keptWaiting) this.#release();
    else this.#settle(error, this.#context.clock.now());
    this.#leg.attemptFailed(this, error);
    if (queue.length !== 0) queue.advance();
  }

  /** Gives up whatever is going on, for a reason that is not the server's fault. */
  cut(): void {
    if (this.#waiting) {
      this.#waiting = false;
      this.server!.connections.cancel(this);
    }
    this.#stopTimer();
    this.connection?.destroy();
    this.connection = null;
    this.#release();
  }

  /** Books the end of the use of a server, without an outcome. */
  #release(): void {
    if (!this.#counted) return;
    this.#counted = false;
    const { slot } = this.server!;
    this.#context.scoreboard.end(slot);
    if (this.#trial) this.#pool.passive.endTrial(slot);
    if (this.#pool.queue.length !== 0) this.#pool.queue.advance();
  }

  /** Books the end of the use of a server and how it went. */
  #settle(error: ProxyError | null, now: number): void {
    if (!this.#counted) return;
    this.#counted = false;
    const pool = this.#pool;
    const server = this.server!;
    const { slot } = server;
    const success = error === null && this.status < 500;
    this.#context.scoreboard.end(slot);
    this.#context.scoreboard.complete(slot, this.latency, success, this.status, now);
    pool.complete(server, this.latency, success, this.status);
    if (error === null) pool.passive.answered(slot, this.status, now, this.#trial);
    else if (error !== errors.connectFailed && error !== errors.connectTimeout)
      pool.passive.failed(slot, error, now, this.#trial);
    else if (this.#trial) pool.passive.endTrial(slot);
  }
}
