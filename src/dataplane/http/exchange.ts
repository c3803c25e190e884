import type { KeySource } from "../../core/balancing/hash-key.ts";
import { errors, type ProxyError } from "../../core/errors.ts";
import type { Answer } from "../../core/filtering/filter.ts";
import { isGrpc } from "../../core/grpc/content-type.ts";
import { grpcErrorTrailers } from "../../core/grpc/error-answer.ts";
import { DegradationLevel, isServed } from "../../core/health/degradation.ts";
import type { RouteRequest } from "../../core/routing/route-match.ts";
import { FieldId, fieldTable } from "../../http1/fields.ts";
import { COMPLETE } from "../../http1/parse-status.ts";
import { RequestHead } from "../../http1/request-head.ts";
import { parseResponseHead, ResponseHead } from "../../http1/response-head.ts";
import { reasonPhrase } from "../../http1/status.ts";
import type { FilterChain } from "../filters/chain.ts";
import type { ListenerPlan, RoutePlan } from "../plan.ts";
import type { PoolRuntime } from "../upstream/pool-runtime.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { TlsSession } from "../tls/tls-session.ts";
import { challengeAnswer } from "./acme-challenge.ts";
import type { Downstream } from "./downstream.ts";
import type { AnswerableError } from "./error-answer.ts";
import { FilterView, isFinalStatus, type ViewedExchange } from "./filter-view.ts";
import { UpstreamLeg, type LegOwner } from "./upstream-leg.ts";

const OWN_HEAD_LIMITS = { maxRequestLine: 8192, maxHeadSize: 65_536, maxHeaders: 1000 };
/** How long a filter's promise may hold its exchange up, in ms. */
const FILTER_TIMEOUT = 30_000;
const CHALLENGE_TYPE = { "Content-Type": "application/octet-stream" };
const NO_DROPS = fieldTable();

/** An error with the sentence that the client reads. */
interface Refusal extends AnswerableError {
  readonly reason?: string;
  readonly message?: string;
}

/**
 * One request and its answer: routing, filters, answers of our own; the way through a server is its `leg`. Objects are
 * used again: `start` begins, and the downstream gives it back when it is told that the exchange is over.
 */
export class Exchange implements RouteRequest, KeySource, LegOwner, ViewedExchange {
  readonly head = new RequestHead();
  readonly leg: UpstreamLeg;
  downstream!: Downstream;
  view: FilterView | null = null;
  chain: FilterChain | null = null;
  id = "";
  /** The client's address, after trusted proxies. */
  client = "";
  path = "";
  query = "";
  rewrittenHost = "";
  hasBody = false;
  startedAt = 0;
  /** From `start` to the end. */
  running = false;
  readonly #context: WorkerContext;
  #plan!: ListenerPlan;
  #route: RoutePlan | null = null;
  #status = 0;
  /** Grows with each use of the object, so that what comes late can be told. */
  #generation = 0;

  constructor(context: WorkerContext) {
    this.#context = context;
    this.leg = new UpstreamLeg(this, context);
  }

  get method(): string {
    return this.head.method;
  }
  get host(): string {
    return this.head.host;
  }
  get minor(): 0 | 1 {
    return this.head.minor;
  }
  get sni(): string {
    return this.downstream.tls?.serverName ?? "";
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
  get wantsUpgrade(): boolean {
    return this.leg.wantsUpgrade;
  }
  get bodyTimeout(): number {
    return this.#plan.config.limits.bodyTimeout;
  }
  get silenceTimeout(): number {
    return this.#plan.config.limits.tunnelIdleTimeout;
  }
  get secure(): boolean {
    return this.downstream.secure;
  }
  get listenerName(): string {
    return this.#plan.name;
  }
  get routeName(): string {
    return this.#route === null ? "" : this.#route.name;
  }
  get serverId(): string | undefined {
    return this.leg.server?.id;
  }

  /** The head is there: from here on the exchange runs by itself. `client` and `id` say who asks and under what name. */
  start(downstream: Downstream, plan: ListenerPlan, client: string, id: string): void {
    const { head } = this;
    this.downstream = downstream;
    this.client = client;
    this.id = id;
    this.#plan = plan;
    this.running = true;
    this.startedAt = this.#context.clock.now();
    this.path = head.path;
    this.query = head.query;
    this.hasBody = head.chunked || head.contentLength > 0;
    this.leg.wantsUpgrade = head.upgrade && !this.hasBody && mayUpgrade(head);
    const { maxBodySize } = plan.config.limits;
    if (head.protocol !== "") this.#startTunnel();
    if (head.method === "CONNECT") return this.fail(errors.connectNotSupported);
    const { tls } = downstream;
    if (tls !== null) {
      if (isMisdirected(tls, head.host)) return this.fail(errors.misdirected);
    } else if (this.#context.challenges !== null) {
      const body = challengeAnswer(this.#context.challenges, head.path);
      if (body !== null) return this.#answer({ status: 200, headers: CHALLENGE_TYPE, body });
    }
    if (maxBodySize !== 0 && head.contentLength > maxBodySize) return this.fail(errors.bodyTooLarge);
    const index = plan.table.match(this);
    if (index < 0) return this.fail(errors.noRoute);
    const route = (this.#route = plan.routes[index]!);
    if (route.chain !== null) {
      this.chain = route.chain;
      this.view = new FilterView(this);
      if (route.chain.requestHead.length !== 0) return this.#filterHead(0);
    }
    this.#forward();
  }

  /** Extended CONNECT (RFC 8441): what HTTP/1.1 asks for by GET with Upgrade. Routes and servers see it as that. */
  #startTunnel(): void {
    const { head } = this;
    if (head.protocol !== "websocket") return;
    head.method = "GET";
    head.chunked = false;
    this.hasBody = false;
    this.leg.wantsUpgrade = true;
  }

  /** Runs the filters' onRequestHead from `first` on; a promise is waited for without holding anybody else up. */
  #filterHead(first: number): void {
    const filters = this.chain!.requestHead;
    for (let i = first; i < filters.length; i++) {
      let result: Answer | void | Promise<Answer | void>;
      try {
        result = filters[i]!.onRequestHead(this.view!);
      } catch (error) {
        return this.filterFailed(error);
      }
      if (result === undefined) continue;
      if (!(result instanceof Promise)) return this.#answerOfFilter(result);
      void this.#waitForFilter(result, i + 1);
      return;
    }
    this.#forward();
  }

  /** Goes on when a filter's promise is settled, unless the exchange is over by then. */
  async #waitForFilter(result: Promise<Answer | void>, next: number): Promise<void> {
    const generation = this.#generation;
    const timer = setTimeout(() => {
      if (this.#generation === generation) this.filterFailed(new Error(`no decision within ${FILTER_TIMEOUT} ms`));
    }, FILTER_TIMEOUT);
    let answer: Answer | void;
    try {
      answer = await result;
    } catch (error) {
      if (this.#generation === generation) this.filterFailed(error);
      return;
    } finally {
      clearTimeout(timer);
    }
    if (this.#generation !== generation) return;
    try {
      if (answer === undefined) this.#filterHead(next);
      else this.#answerOfFilter(answer);
    } catch (bug) {
      // No socket's callback is around this one to catch it.
      if (this.#generation === generation) this.filterFailed(bug);
    }
  }

  #answerOfFilter(answer: Answer): void {
    // Filters are other people's code, often without types.
    const given: { status?: unknown; body?: unknown } | null = answer;
    const body = given?.body ?? "";
    if (!isFinalStatus(given?.status) || !(typeof body === "string" || body instanceof Uint8Array))
      return this.filterFailed(new TypeError("an answer needs a status from 200 to 599, and a body of text or bytes"));
    this.#answer(answer);
  }

  filterFailed(error: unknown): void {
    this.#context.log(
      "error",
      `route ${this.routeName}: a filter failed: ${error instanceof Error ? error.stack : String(error)}`,
    );
    this.fail(errors.filterFailed);
  }

  #forward(): void {
    const route = this.#route!;
    if (route.redirect !== null) {
      const location = route.redirect.location(this, this.secure ? "https" : "http", this.head.authority);
      return this.#answer({ status: route.redirect.status, headers: { Location: location } });
    }
    if (route.respond !== null) return this.#answer(route.respond);
    if (route.rewrite !== null) {
      const path = route.rewrite.path(this.path);
      if (path === null) return this.fail(errors.badRewrite);
      this.path = path;
      this.rewrittenHost = route.rewrite.host ?? "";
    }
    let pool = route.choosePool(this.#context.random);
    if (pool.isGuarded) {
      const standIn = pool.standIn();
      if (!isServed(standIn.level, route.importance)) return this.#degraded(standIn);
      pool = standIn;
    }
    this.leg.begin(pool, pool.hashKey === null ? 0 : pool.hashKey(this));
  }

  /** The pool has too few servers for requests of this importance. */
  #degraded(pool: PoolRuntime): void {
    if (pool.degradedAnswer !== null) return this.#answer(pool.degradedAnswer);
    this.fail(pool.level === DegradationLevel.none ? errors.noServer : errors.degraded);
  }

  #answer(answer: Answer): void {
    this.#status = answer.status;
    this.downstream.answer(this, answer);
    this.#finish(undefined);
  }

  editOwnHead(text: string): string {
    const { chain, view } = this;
    if (view === null || chain === null || chain.responseHead.length === 0) return text;
    const head = new ResponseHead();
    head.reset();
    if (parseResponseHead(head, text, 0, OWN_HEAD_LIMITS, this.method) !== COMPLETE) return text;
    const response = view.setResponse(head);
    try {
      for (const filter of chain.responseHead) filter.onResponseHead(view);
    } catch (error) {
      // Nothing that a filter would have to remove is in it, so the answer goes out all the same.
      this.#context.log("error", `route ${this.routeName}: a filter failed: ${String(error)}`);
      return text;
    }
    const lines = head.keptLines(NO_DROPS, response.edits.removed) + response.edits.lines;
    return `HTTP/1.1 ${response.status} ${reasonPhrase(response.status)}\r\n${lines}\r\n`;
  }

  answered(status: number, now: number): void {
    this.#status = status;
    this.#finish(undefined, false, now);
  }

  /** Ends the exchange with an error answer. */
  fail(error: ProxyError): void {
    this.#status = error.status;
    this.downstream.answerError(this, error, error.message);
    this.#finish(error);
  }

  /** The request turned out bad after its head had gone on: cuts the server off, and answers if that is still possible. */
  refuse(error: Refusal): void {
    this.leg.cut();
    this.downstream.closeAfterAnswer();
    if (this.leg.started) return this.abort(error);
    this.#status = error.status;
    this.downstream.answerError(this, error, error.message ?? error.reason ?? "");
    this.#finish(error);
  }

  /** An answer that has begun cannot be completed: the client learns it by its connection being cut. */
  abort(error: Refusal): void {
    const { downstream, head } = this;
    // A gRPC client of HTTP/2 understands trailers better than a broken stream.
    if (downstream.ownWriter !== null && isGrpc(head.getById(FieldId.contentType)))
      downstream.ownWriter.end(this, grpcErrorTrailers(error, error.message ?? "", this.id));
    this.#finish(error, true);
    downstream.cut();
  }

  /** The client is gone: nothing is left to be done for it. */
  clientGone(error: ProxyError): void {
    this.leg.cut();
    if (!this.leg.started) this.#status = 0;
    this.#finish(error, true);
  }

  /** Gives up a request whose head was never complete. */
  discard(): void {
    this.#clear();
  }

  #finish(error: { readonly code: string } | undefined, gone = false, now = this.#context.clock.now()): void {
    const { downstream, view, chain } = this;
    const duration = now - this.startedAt;
    downstream.count(this.#status, duration);
    if (chain !== null && chain.complete.length !== 0) {
      const result = { status: this.#status, error: error?.code, duration };
      for (const filter of chain.complete) {
        try {
          filter.onComplete(view!, result);
        } catch (failure) {
          this.#context.log("error", `route ${this.routeName}: a filter failed: ${String(failure)}`);
        }
      }
    }
    this.#clear();
    if (gone) downstream.forget();
    else downstream.exchangeDone();
  }

  #clear(): void {
    this.#generation++;
    this.running = false;
    this.head.reset();
    this.leg.reset();
    this.view?.end();
    this.view = null;
    this.chain = null;
    this.rewrittenHost = "";
    this.#route = null;
    this.#status = 0;
  }
}

/**
 * Whether a request is for another name than the connection was made for, and the certificate does not cover it either
 * (RFC 9110 7.4). A client that asked for no name has left the choice to us.
 */
function isMisdirected(tls: TlsSession, host: string): boolean {
  return tls.serverName !== "" && host !== tls.serverName && !tls.serves(host);
}

/** HTTP/2 by upgrade would carry requests past routing and filters, so it is never passed on (RFC 9113 3.1 dropped it). */
function mayUpgrade(head: RequestHead): boolean {
  const protocol = (head.getById(FieldId.upgrade) ?? "").toLowerCase();
  return protocol !== "" && !/(^|[\s,])(h2c?|http\/2(\.0)?)\s*($|,)/.test(protocol);
}
