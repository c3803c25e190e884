import { errors, type ProxyError } from "../../core/errors.ts";
import { grpcKind } from "../../core/grpc/content-type.ts";
import { grpcDeadline } from "../../core/grpc/timeout.ts";
import { retryDelay } from "../../core/retry/backoff.ts";
import { FieldId } from "../../http1/fields.ts";
import type { ResponseHead } from "../../http1/response-head.ts";
import { later } from "../later.ts";
import type { Timed } from "../timer-wheel.ts";
import type { PlaceWaiter } from "../upstream/pool-queue.ts";
import type { PoolRuntime } from "../upstream/pool-runtime.ts";
import type { UpstreamServer } from "../upstream/upstream-server.ts";
import type { WorkerContext } from "../worker-context.ts";
import { AnswerRelay, type RelayedExchange } from "./answer-relay.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import { Hedge } from "./hedge.ts";
import { RequestSender, type SentExchange } from "./request-sender.ts";
import { ServerChoice } from "./server-choice.ts";

/** The exchange whose server side this is. */
export interface LegOwner extends RelayedExchange, SentExchange {
  /** Longest pause of an answer's body in ms, and of one that may well be silent. */
  readonly bodyTimeout: number;
  readonly silenceTimeout: number;
  /** When the exchange began, by the clock. */
  readonly startedAt: number;
  /** There will be no answer from a server: the client gets an error. */
  fail(error: ProxyError): void;
}

/**
 * The server's side of an exchange: decides which servers are asked, sends the request, and tries elsewhere if that is
 * allowed. What happens on one server is an `Attempt`; what goes to the client is the `AnswerRelay`'s. One per exchange,
 * used again; see `begin` and `reset`.
 */
export class UpstreamLeg implements AttemptOwner, PlaceWaiter, Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  wantsUpgrade = false;
  isGrpc = false;
  readonly request: RequestSender;
  readonly relay: AnswerRelay;
  readonly #owner: LegOwner;
  readonly #context: WorkerContext;
  readonly #choice: ServerChoice;
  readonly #hedge: Hedge;
  #pool!: PoolRuntime;
  /** The try whose answer counts. */
  #attempt: Attempt;
  /** Until anything has to be waited for. */
  #atOnce = false;
  /** Tries after the first. */
  #retries = 0;
  /** Server on which the next try has been counted already. */
  #next: UpstreamServer | null = null;
  #nextTrial = false;
  #queued = false;
  /** Why it waits again, after an earlier server has failed. */
  #failure: ProxyError | undefined;
  /** When the whole request must be over, by the wheel's clock. */
  #requestDeadline = Infinity;
  /** Waits for the next try. */
  #backoff: NodeJS.Timeout | null = null;
  /** Counts towards the pool's adaptive limit. */
  #admitted = false;

  constructor(owner: LegOwner, context: WorkerContext) {
    this.#owner = owner;
    this.#context = context;
    const cut = () => this.cut();
    this.relay = new AnswerRelay(owner, context, cut);
    this.#choice = new ServerChoice(context);
    this.#attempt = new Attempt(this, this.relay, context);
    this.request = new RequestSender(owner, this.#attempt, cut);
    this.#hedge = new Hedge(context, this.#choice, () => new Attempt(this, this.relay, context));
  }

  get method(): string {
    return this.#owner.head.method;
  }
  get bodyTimeout(): number {
    // The messages of a gRPC call come when there is something to say.
    return this.isGrpc ? this.#owner.silenceTimeout : this.#owner.bodyTimeout;
  }
  get keepsHead(): boolean {
    return this.#owner.view !== null;
  }
  /** The client knows chunks, and no filter wants to see the data. */
  get takesChunks(): boolean {
    return this.#owner.minor === 1 && this.#owner.view === null && this.#owner.downstream.ownWriter === null;
  }
  /** The server that the answer comes from, or that was asked last. */
  get server(): UpstreamServer | null {
    return this.#attempt.server;
  }
  /** Something of the answer has gone to the client. */
  get started(): boolean {
    return this.relay.response.started;
  }

  reset(): void {
    this.request.reset();
    this.relay.reset();
    this.#attempt.reset();
    this.#choice.reset();
    this.wantsUpgrade = false;
    this.#retries = 0;
    if (this.#backoff !== null) this.#stopBackoff();
    this.#hedge.stop();
    // Not by its place in the wheel: while the wheel runs what is due, that has none any more.
    if (this.deadline !== Infinity) this.#context.wheel.disarm(this);
    if (this.#admitted) {
      this.#admitted = false;
      this.#pool.leave();
    }
  }

  // --- the choice of a server ---

  begin(pool: PoolRuntime, hashKey: number): void {
    this.#pool = pool;
    this.#choice.hashKey = hashKey;
    this.#atOnce = this.#owner.chain === null;
    this.relay.begin();
    this.request.begin(pool.config.retries.bufferLimit);
    if (pool.limit !== null) {
      if (!pool.enter()) return this.#owner.fail(errors.concurrencyLimited);
      this.#admitted = true;
    }
    const { requestTimeout } = pool.config.upstream;
    this.#requestDeadline = requestTimeout === 0 ? Infinity : this.#context.now + requestTimeout;
    this.isGrpc = this.method === "POST" && this.#beginGrpc();
    if (this.#requestDeadline !== Infinity) {
      this.deadline = this.#requestDeadline;
      this.#context.wheel.arm(this);
    }
    pool.budget.request(this.#context.now);
    pool.hedging?.budget.request(this.#context.now);
    this.#dispatch(undefined);
    this.#atOnce = false;
  }

  /** False for what is no gRPC call; a call's own deadline holds where it is the earlier one. */
  #beginGrpc(): boolean {
    const { head, startedAt } = this.#owner;
    if (grpcKind(head.getById(FieldId.contentType)) === "none") return false;
    const time = grpcDeadline(head.get("grpc-timeout"));
    // By the exact time: these may be short, and the wheel's is as old as its last tick.
    if (time !== undefined) this.#requestDeadline = Math.min(this.#requestDeadline, startedAt + time);
    return true;
  }

  /** Chooses a server and begins a try there. `failure` is why an earlier server did not do. */
  #dispatch(failure: ProxyError | undefined): void {
    const { queue } = this.#pool;
    if (queue.length !== 0 && failure === undefined) {
      // Places that other workers have freed are first for those who wait.
      queue.advance();
      if (queue.length !== 0) {
        this.#queueUp(undefined);
        return queue.advance();
      }
    }
    let server: UpstreamServer | undefined;
    try {
      server = this.#choice.take(this.#pool);
    } catch (error) {
      this.#context.log("error", `pool ${this.#pool.name}: ${error instanceof Error ? error.stack : String(error)}`);
      return this.#owner.fail(errors.algorithmFailed);
    }
    if (server === undefined) {
      if (this.#choice.full) return this.#queueUp(failure);
      return this.#owner.fail(failure ?? errors.noServer);
    }
    if (failure !== undefined) this.#context.scoreboard.retried(server.slot);
    this.#attempt.begin(this.#pool, server, this.#choice.trial);
  }

  /** Every server has as much as it takes: waits for a place. */
  #queueUp(failure: ProxyError | undefined): void {
    const { queue, config } = this.#pool;
    if (!queue.add(this))
      return this.#owner.fail(failure ?? (queue.limit === 0 ? errors.overloaded : errors.queueFull));
    this.#queued = true;
    this.#failure = failure;
    this.deadline = Math.min(this.#requestDeadline, this.#context.now + config.queue.timeout);
    this.#context.wheel.arm(this);
  }

  onPlace(): boolean {
    const server = this.#choice.takeAnother(this.#pool);
    if (server === undefined && this.#choice.full) return false;
    this.#leaveQueue();
    const failure = this.#failure;
    if (server === undefined) this.#owner.fail(failure ?? errors.noServer);
    else {
      if (failure !== undefined) this.#context.scoreboard.retried(server.slot);
      this.#attempt.begin(this.#pool, server, this.#choice.trial);
    }
    return true;
  }

  get isChoosy(): boolean {
    return this.#failure !== undefined;
  }

  #leaveQueue(): void {
    this.#queued = false;
    this.deadline = this.#requestDeadline;
    if (this.deadline === Infinity) this.#context.wheel.disarm(this);
  }

  onDeadline(now: number): void {
    if (now >= this.#requestDeadline) {
      if (this.relay.tunnel) return;
      const { started } = this;
      this.cut();
      if (started) this.#owner.abort(errors.requestTimeout);
      else this.#owner.fail(errors.requestTimeout);
    } else if (this.#queued) {
      this.#queued = false;
      this.#pool.queue.remove(this);
      this.#owner.fail(this.#failure ?? errors.queueTimeout);
    }
  }

  // --- the request ---

  attemptConnected(attempt: Attempt): void {
    // A request that goes out in the turn in which it came was sent when it started: one look at the clock is enough.
    attempt.sentAt = this.#atOnce ? this.#owner.startedAt : this.#context.clock.now();
    this.#atOnce = false;
    this.request.start(attempt);
    if (this.#pool.hedging !== null && this.#mayHedge(attempt))
      this.#hedge.later(this.#pool, attempt, this.#changeServer);
  }

  /** Only what may be repeated, is there as a whole, and has not been tried before. */
  #mayHedge(attempt: Attempt): boolean {
    if (attempt !== this.#attempt || this.#retries !== 0 || this.wantsUpgrade) return false;
    return this.mayRepeat(errors.connectionLost) && this.request.complete;
  }

  readonly #changeServer = (): void => this.request.changeServer();

  drained(attempt: Attempt): void {
    if (attempt === this.#attempt && (this.relay.tunnel || !this.request.complete))
      this.#owner.downstream.resumeReading();
  }

  // --- the answer ---

  informational(attempt: Attempt, head: ResponseHead): void {
    if (attempt === this.#attempt) this.relay.informational(head);
  }

  gotHead(attempt: Attempt, head: ResponseHead): boolean {
    const pool = this.#pool;
    if (pool.hedging !== null) {
      pool.hedging.delay.observe(attempt.latency);
      this.#hedge.settle(this.#attempt, attempt);
      this.#attempt = this.request.attempt = attempt;
    }
    if (pool.limit !== null) pool.limit.sample(attempt.latency, pool.active, attempt.headAt);
    this.wantsUpgrade = false;
    const { hasBody, downstream } = this.#owner;
    // The rest of the body cannot go anywhere, or may never come: the client should know that this connection ends.
    if (
      hasBody &&
      !this.request.complete &&
      (!head.keepAlive || (this.#owner.head.expectContinue && !attempt.continued))
    )
      downstream.closeAfterAnswer();
    this.request.forget();
    this.relay.status = head.status;
    if (this.#owner.view === null) return true;
    if (!this.relay.filterHead(head)) return false;
    this.relay.status = this.#owner.view.response.status;
    return true;
  }

  /** The client can take more of the answer. */
  resume(): void {
    this.#attempt.connection?.resumeReading();
  }

  /** The server's connection has taken all that was sent. */
  get taken(): boolean {
    return this.request.taken;
  }

  /** Bytes sent that it has not taken. */
  get unsent(): number {
    return this.#attempt.connection?.unsent ?? 0;
  }

  /** Bytes from the client for a tunnel; false asks it to pause. */
  tunnelSend(bytes: Buffer): boolean {
    const connection = this.#attempt.connection!;
    connection.sendTunnel(bytes);
    return !connection.needsDrain;
  }

  /** The client has sent its last byte. */
  tunnelClientEnded(): void {
    this.#attempt.connection?.endTunnel();
  }

  // --- further tries ---

  mayRepeat(error: ProxyError): boolean {
    return this.request.mayRepeat(error);
  }

  attemptFailed(attempt: Attempt, error: ProxyError): void {
    if (this.#pool.hedging !== null && this.#otherGoesOn(attempt)) return;
    if (!this.mayGoOn(error) || !this.#withinBudget(error)) return this.#owner.fail(error);
    this.#choice.exclude(attempt.server!.slot);
    this.#again(() => this.#dispatch(error));
  }

  /** Whether the rules let the request go to another server after this failure. */
  mayGoOn(error: ProxyError): boolean {
    const { retry } = this.#pool;
    return this.#retries < retry.attempts && retry.allowsError(error, this.method) && this.request.isReplayable;
  }

  /** What failed before anything was sent has cost no server anything, so it costs no budget. */
  #withinBudget(error: ProxyError): boolean {
    return error.retry === "always" || this.#pool.budget.tryTake(this.#context.now);
  }

  wantsAnother(attempt: Attempt, head: ResponseHead): boolean {
    const { retry } = this.#pool;
    if (head.status < 400) {
      if (!this.isGrpc || !retry.readsGrpc || !retry.allowsGrpc(head.get("grpc-status"))) return false;
    } else if (!retry.allowsStatus(head.status, this.method)) return false;
    if (this.#pool.hedging !== null && this.#otherGoesOn(attempt)) return true;
    if (this.#retries >= retry.attempts || !this.request.isReplayable) return false;
    return this.#reserve(attempt, errors.connectionLost);
  }

  mayMove(attempt: Attempt, error: ProxyError): boolean {
    if (this.started || this.#hedge.second !== null || !this.mayGoOn(error)) return false;
    return this.#reserve(attempt, error);
  }

  /** Counts the next try on another server before this one is given up; false when there is none or no budget is left. */
  #reserve(attempt: Attempt, error: ProxyError): boolean {
    // Asked first: a choice takes a turn in the rotation, also one that comes to nothing.
    if (error.retry !== "always" && !this.#pool.budget.allows(this.#context.now)) return false;
    this.#choice.exclude(attempt.server!.slot);
    const server = this.#choice.takeAnother(this.#pool);
    const { trial } = this.#choice;
    if (server !== undefined && this.#withinBudget(error)) {
      this.#hedge.stop();
      this.#next = server;
      this.#nextTrial = trial;
      return true;
    }
    if (server !== undefined) this.#choice.giveBack(this.#pool, server, trial);
    this.#choice.readmit();
    return false;
  }

  attemptGivenUp(): void {
    // Without a next one it was half of a hedged request, and the other half goes on.
    if (this.#next === null) return;
    this.#again(() => {
      const server = this.#next!;
      this.#next = null;
      this.#context.scoreboard.retried(server.slot);
      this.#attempt.begin(this.#pool, server, this.#nextTrial);
    });
  }

  /** Tries again: at once the first time, later after a growing pause. */
  #again(start: () => void): void {
    this.#retries++;
    this.request.changeServer();
    const delay = this.#retries < 2 ? 0 : retryDelay(this.#retries, this.#pool.config.retries, this.#context.random);
    if (delay === 0) return start();
    this.#backoff = later(this.#context, delay, () => {
      this.#backoff = null;
      start();
    });
  }

  /** While two tries run, one that fails is no failure of the request. */
  #otherGoesOn(failed: Attempt): boolean {
    const other = this.#hedge.survivor(this.#attempt, failed);
    if (other === null) return false;
    this.#choice.exclude(failed.server!.slot);
    this.#attempt = this.request.attempt = other;
    return true;
  }

  /** Gives up whatever is going on, for a reason that is not the server's fault. */
  cut(): void {
    if (this.#queued) {
      this.#pool.queue.remove(this);
      this.#leaveQueue();
    }
    if (this.#backoff !== null) this.#stopBackoff();
    if (this.#next !== null) {
      this.#choice.giveBack(this.#pool, this.#next, this.#nextTrial);
      this.#next = null;
    }
    this.#hedge.cut();
    this.#attempt.cut();
  }

  #stopBackoff(): void {
    clearTimeout(this.#backoff!);
    this.#backoff = null;
  }
}
