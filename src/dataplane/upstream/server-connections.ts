import type { UpstreamConfig } from "../../config/schema.ts";
import { errors, type ProxyError } from "../../core/errors.ts";
import type { SocketTarget } from "../transport.ts";
import type { WorkerContext } from "../worker-context.ts";
import { OpeningConnection, type OpeningHome } from "./opening-connection.ts";
import type { RequestChannel } from "./request-channel.ts";
import type { ServerConnection, SharedConnection } from "./server-connection.ts";
import { ServerReport, type ConnectOutcomes } from "./server-report.ts";
import type { ServerTls } from "./server-tls.ts";
import { SharedConnections } from "./shared-connections.ts";
import { UpstreamConnection } from "./upstream-connection.ts";
import type { UpstreamUser } from "./upstream-user.ts";

/** An exchange that waits for a connection; see `ServerConnections.acquire`. */
export interface ConnectionWaiter extends UpstreamUser {
  /** A connection is there and belongs to the waiter; it may still be connecting. */
  onConnection(connection: RequestChannel): void;
  /** There will be none. */
  onNoConnection(error: ProxyError): void;
}

/** A connection to the server that is not HTTP's: its bytes are passed on as they are. */
export interface PassedConnection {
  /** The server's time is over, or it was taken out: ends soon. */
  end(): void;
}

/** How many exchanges of one worker may wait for a connection to one server. */
const MAX_WAITING = 1024;
/** How long an unused connection is kept beyond `maxIdle`, in ms. */
const SURPLUS_TIME = 2000;

/**
 * The connections of one worker to one server: those in use and those kept for reuse, most recently used first. An
 * HTTP/1.1 connection carries one request at a time; HTTP/2 connections are shared, and a request waits until one has
 * room or is made. The limit on connections holds over all workers, by the scoreboard.
 */
export class ServerConnections implements OpeningHome {
  readonly address: SocketTarget;
  readonly slot: number;
  readonly context: WorkerContext;
  config: UpstreamConfig;
  tls: ServerTls | null;
  heardAt = 0;
  /** Connections of layer 4, which look after themselves and count themselves in the scoreboard. */
  readonly passed = new Set<PassedConnection>();
  /** HTTP/1.1 connections that nobody uses. */
  readonly #idle: UpstreamConnection[] = [];
  /** HTTP/2 connections. */
  readonly #shared = new SharedConnections();
  readonly #all = new Set<ServerConnection>();
  readonly #waiting: ConnectionWaiter[] = [];
  /** How many are being made of which it is not known yet whether they can be shared, */
  #openings = 0;
  /** and how many requests each is expected to carry: as many as the last one did. */
  #expected: number;
  #retired = false;
  #killEpoch: number;
  readonly #report: ServerReport;

  /** @param tls null for connections in the clear */
  constructor(
    address: SocketTarget,
    slot: number,
    config: UpstreamConfig,
    context: WorkerContext,
    tls: ServerTls | null = null,
  ) {
    this.address = address;
    this.slot = slot;
    this.config = config;
    this.context = context;
    this.tls = tls;
    this.#report = new ServerReport(address, slot, context);
    // Of a server that chooses the protocol nobody knows which before the first connection is made: all wait for that.
    this.#expected = config.protocol === "auto" ? MAX_WAITING : config.maxStreams;
    this.#killEpoch = context.scoreboard.health.killEpoch(slot);
  }

  set passive(passive: ConnectOutcomes | null) {
    this.#report.passive = passive;
  }

  /** Open connections, in use or not. */
  get size(): number {
    return this.#all.size + this.passed.size;
  }

  /** Connections that have a user, or are being made. */
  get inUse(): number {
    return this.#all.size - this.#idle.length - this.#shared.unused;
  }

  /** What to tell a request that waited for a connection for too long. */
  get waitedInVain(): ProxyError {
    return this.#openings > 0 ? errors.connectTimeout : errors.overloaded;
  }

  /** How many users' requests were sent between these times and have got nothing since. */
  unanswered(before: number, after: number): number {
    let count = 0;
    for (const connection of this.#all) count += connection.unanswered(before, after);
    return count;
  }

  /** Asks who waits for a connection, and the users that were left without a byte since before that time, to go elsewhere. */
  moveUnanswered(error: ProxyError, before: number): void {
    // First, or they would get the connections of those that go. Each that goes calls `cancel`.
    for (let i = 0; i < this.#waiting.length;) if (!this.#waiting[i]!.onServerSuspect(errors.connectTimeout)) i++;
    for (const connection of Array.from(this.#all)) connection.moveUnanswered(error, before);
  }

  /**
   * Gets a connection for the waiter: one that is free, or a new one, or, when there may be no more, the next one that
   * becomes free. `fresh` asks for a new one, for when a reused connection has just failed.
   */
  acquire(waiter: ConnectionWaiter, fresh: boolean): void {
    if (!fresh) {
      const connection = this.#idle.pop();
      if (connection !== undefined) {
        connection.use(waiter);
        waiter.onConnection(connection);
        return;
      }
    }
    const { protocol } = this.config;
    if (this.tls !== null && this.tls.problem !== "") return this.#cannotEncrypt(waiter, this.tls.problem);
    // A server that lets the handshake decide can do an upgrade for sure in HTTP/1.1 only.
    if (protocol !== "http1" && !(protocol === "auto" && waiter.wantsUpgrade)) return this.#share(waiter);
    const connection = this.#open();
    if (connection === undefined) return this.#wait(waiter);
    connection.use(waiter);
    waiter.onConnection(connection);
  }

  #wait(waiter: ConnectionWaiter): void {
    if (this.#waiting.length >= MAX_WAITING) return waiter.onNoConnection(errors.overloaded);
    this.#waiting.push(waiter);
    // The limit may be used up by connections that other workers keep for their next request.
    this.context.scoreboard.wantConnection(this.slot);
  }

  /** Gets a place on an HTTP/2 connection, or waits for one that is made. */
  #share(waiter: ConnectionWaiter): void {
    const connection = this.#shared.withRoom();
    if (connection !== undefined) return waiter.onConnection(connection.open(waiter));
    if (this.#waiting.length >= MAX_WAITING) return waiter.onNoConnection(errors.overloaded);
    this.#waiting.push(waiter);
    this.#openForWaiting();
  }

  #cannotEncrypt(waiter: ConnectionWaiter, problem: string): void {
    this.#report.warn(`cannot connect: TLS: ${problem}`);
    waiter.onNoConnection(errors.connectFailed);
  }

  /** Called every tick: tries again for those who wait, and gives an unused connection up if another worker waits. */
  tick(lookForWishes: boolean): void {
    this.#serveWaiting();
    if (!lookForWishes) return;
    // The one that was not used for the longest time.
    if (this.#idle.length > 0) {
      if (this.context.scoreboard.takeWish(this.slot)) this.#idle[0]!.destroy();
    } else if (this.#waiting.length === 0 && this.#shared.size > 0 && this.context.scoreboard.takeWish(this.slot)) {
      // One that is shared may never be unused.
      this.#shared.leaveOne();
    }
  }

  /** The waiter does not want a connection any more. */
  cancel(waiter: ConnectionWaiter): void {
    const index = this.#waiting.indexOf(waiter);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** A connection has done its work and may be used again. */
  release(connection: UpstreamConnection): void {
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) {
      connection.use(waiter);
      waiter.onConnection(connection);
      return;
    }
    if (this.#retired || this.context.draining || this.context.scoreboard.takeWish(this.slot))
      return connection.destroy();
    // Beyond `maxIdle` a connection is kept for a moment all the same: under load it is used again at once, and closing
    // and opening it over and over would cost more than the request.
    if (this.#idle.length >= this.config.maxIdle) connection.expire(SURPLUS_TIME);
    this.#idle.push(connection);
  }

  /** A connection is gone. */
  closed(connection: UpstreamConnection): void {
    if (!this.#forget(connection)) return;
    const index = this.#idle.lastIndexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    if (this.#waiting.length !== 0) this.#serveWaiting();
  }

  #forget(connection: ServerConnection): boolean {
    if (!this.#all.delete(connection)) return false;
    this.context.scoreboard.connectionClosed(this.slot);
    return true;
  }

  // --- connections that can be shared, or may turn out so ---

  becameSingle(opening: OpeningConnection, connection: UpstreamConnection): void {
    this.#openings--;
    this.#expected = 1;
    this.#all.delete(opening);
    this.#all.add(connection);
    this.release(connection);
    if (this.#waiting.length !== 0) this.#serveWaiting();
  }

  becameShared(opening: OpeningConnection, connection: SharedConnection): void {
    this.#openings--;
    this.#expected = Math.max(1, connection.capacity);
    this.#all.delete(opening);
    this.#all.add(connection);
    this.#shared.add(connection);
    this.sharedFreed(connection);
  }

  /** Who waits for it has nothing else to wait for, as a rule: to wait on would only make the next server's turn later. */
  notOpened(opening: OpeningConnection, error: ProxyError): void {
    this.#openings--;
    this.#forget(opening);
    if (this.#openings > 0) return;
    for (const waiter of this.#waiting.splice(0)) waiter.onNoConnection(error);
  }

  /** A shared connection has room again, or will never have any; nobody may be using it any more. */
  sharedFreed(connection: SharedConnection): void {
    if (this.#waiting.length !== 0) this.#serveWaiting();
    if (!connection.unused || connection.leaving) return;
    if (this.#retired || this.context.draining || this.context.scoreboard.takeWish(this.slot)) connection.leave();
    else if (this.#shared.unused > this.config.maxIdle) connection.expire(SURPLUS_TIME);
  }

  sharedClosed(connection: SharedConnection): void {
    this.#shared.remove(connection);
    if (this.#forget(connection) && this.#waiting.length !== 0) this.#serveWaiting();
  }

  /** Gives those who wait what there is, and opens connections for the others, as many as there may be. */
  #serveWaiting(): void {
    while (this.#waiting.length > 0) {
      const shared = this.#shared.withRoom();
      if (shared !== undefined) {
        const waiter = this.#waiting.shift()!;
        waiter.onConnection(shared.open(waiter));
        continue;
      }
      if (this.config.protocol !== "http1") return this.#openForWaiting();
      const connection = this.#open();
      if (connection === undefined) return this.context.scoreboard.wantConnection(this.slot);
      const waiter = this.#waiting.shift()!;
      connection.use(waiter);
      waiter.onConnection(connection);
    }
  }

  #openForWaiting(): void {
    if (this.#shared.forbidden) return;
    while (this.#openings * this.#expected < this.#waiting.length)
      if (!this.#openOther()) return this.context.scoreboard.wantConnection(this.slot);
  }

  /** Opens connections ahead of need, up to `prewarm`. */
  prewarm(): void {
    if (this.tls !== null && this.tls.problem !== "") return;
    while (this.#all.size < this.config.prewarm) {
      if (this.config.protocol !== "http1") {
        if (!this.#openOther()) return;
        continue;
      }
      const connection = this.#open();
      if (connection === undefined) return;
      connection.prewarm();
    }
  }

  /**
   * The server is no longer in the configuration: idle connections close now, the others after their exchange, and who
   * waits for one still gets it.
   */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
    this.#shared.leaveUnused();
  }

  refused(reason: string): void {
    this.#report.warn(`bad response: ${reason}`);
  }

  reached(): void {
    this.#report.reached();
  }

  unreachable(reason: string, code: string | undefined): void {
    this.#report.unreachable(reason, code, this.config.protocol === "auto", this.tls !== null);
  }

  /** Ends all connections if somebody had them killed since the last call. */
  followKills(): void {
    const epoch = this.context.scoreboard.health.killEpoch(this.slot);
    if (epoch === this.#killEpoch) return;
    this.#killEpoch = epoch;
    this.end();
  }

  /** The time of the server's connections is over: tunnels are ended in good order, exchanges fail. */
  end(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
    for (const waiter of this.#waiting.splice(0)) waiter.onNoConnection(errors.serverGone);
    for (const connection of Array.from(this.#all)) connection.endUse();
    this.#endPassed();
  }

  /** Cuts all connections; exchanges on them fail with `error`. */
  destroy(error: ProxyError): void {
    this.retire();
    for (const waiter of this.#waiting.splice(0)) waiter.onNoConnection(errors.noServer);
    for (const connection of Array.from(this.#all)) connection.abort(error);
    this.#endPassed();
  }

  #endPassed(): void {
    for (const connection of Array.from(this.passed)) connection.end();
  }

  #open(): UpstreamConnection | undefined {
    if (!this.context.scoreboard.tryOpen(this.slot, this.config.maxConnections)) return undefined;
    const connection = new UpstreamConnection(this);
    this.#all.add(connection);
    connection.connect();
    return connection;
  }

  /** Opens one that is to speak HTTP/2, or to choose. */
  #openOther(): boolean {
    if (!this.context.scoreboard.tryOpen(this.slot, this.config.maxConnections)) return false;
    const connection = new OpeningConnection(this);
    this.#openings++;
    this.#all.add(connection);
    connection.connect();
    return true;
  }
}
