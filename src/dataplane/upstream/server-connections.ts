import type { UpstreamConfig } from "../../config/schema.ts";
import { errors, type ProxyError } from "../../core/errors.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import type { SocketTarget } from "../transport.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { RequestChannel } from "./request-channel.ts";
import { UpstreamConnection } from "./upstream-connection.ts";
import type { ConnectionHome, UpstreamUser } from "./upstream-user.ts";

/** An exchange that waits for a connection; see `ServerConnections.acquire`. */
export interface ConnectionWaiter extends UpstreamUser {
  /** A connection is there and belongs to the waiter; it may still be connecting. */
  onConnection(connection: RequestChannel): void;
  /** There will be none. */
  onNoConnection(error: ProxyError): void;
}

/** Takes down whether connections can be made. */
export interface ConnectOutcomes {
  connected(slot: number, now: number): void;
  /** `code` is the system's, or "timeout". */
  connectFailed(slot: number, code: string | undefined, now: number): void;
}

/** How many exchanges of one worker may wait for a connection to one server. */
const MAX_WAITING = 1024;
/** How long an unused connection is kept beyond `maxIdle`, in ms. */
const SURPLUS_TIME = 2000;

/**
 * The connections of one worker to one server: those in use and those kept for reuse, most recently used first.
 * The limit on connections holds over all workers, by the scoreboard.
 */
export class ServerConnections implements ConnectionHome<UpstreamConnection> {
  readonly address: SocketTarget;
  readonly slot: number;
  readonly context: WorkerContext;
  config: UpstreamConfig;
  /** Who is told whether connections can be made; the pool's, or nobody for a server that is gone. */
  passive: ConnectOutcomes | null = null;
  heardAt = 0;
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();
  readonly #waiting: ConnectionWaiter[] = [];
  #retired = false;
  #killEpoch: number;
  #warnedAt = -Infinity;

  constructor(address: SocketTarget, slot: number, config: UpstreamConfig, context: WorkerContext) {
    this.address = address;
    this.slot = slot;
    this.config = config;
    this.context = context;
    this.#killEpoch = context.scoreboard.health.killEpoch(slot);
  }

  /** Open connections, in use or not. */
  get size(): number {
    return this.#all.size;
  }

  /** Connections that have a user, or are being made. */
  get inUse(): number {
    return this.#all.size - this.#idle.length;
  }

  /** How many users' requests were sent between these times and have got nothing since. */
  unanswered(before: number, after: number): number {
    let count = 0;
    for (const connection of this.#all) if (connection.isUnanswered(before, after)) count++;
    return count;
  }

  /** Asks who waits for a connection, and the users that were left without a byte since before that time, to go elsewhere. */
  moveUnanswered(error: ProxyError, before: number): void {
    // First, or they would get the connections of those that go. Each that goes calls `cancel`.
    for (let i = 0; i < this.#waiting.length;) if (!this.#waiting[i]!.onServerSuspect(errors.connectTimeout)) i++;
    for (const connection of Array.from(this.#all)) {
      if (connection.isUnanswered(before, 0))
        connection.user!.onServerSuspect(connection.connected ? error : errors.connectTimeout);
    }
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
    const connection = this.#open();
    if (connection !== undefined) {
      connection.use(waiter);
      waiter.onConnection(connection);
    } else if (this.#waiting.length < MAX_WAITING) {
      this.#waiting.push(waiter);
      // The limit may be used up by connections that other workers keep for their next request.
      this.context.scoreboard.wantConnection(this.slot);
    } else waiter.onNoConnection(errors.overloaded);
  }

  /** Called every tick: tries again for those who wait, and gives an unused connection up if another worker waits. */
  tick(lookForWishes: boolean): void {
    this.#serveWaiting();
    // The one that was not used for the longest time.
    if (lookForWishes && this.#idle.length > 0 && this.context.scoreboard.takeWish(this.slot)) this.#idle[0]!.destroy();
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
    if (!this.#all.delete(connection)) return;
    this.context.scoreboard.connectionClosed(this.slot);
    const index = this.#idle.lastIndexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    if (this.#waiting.length !== 0) this.#serveWaiting();
  }

  /** Opens connections for those who wait, as many as there may be. */
  #serveWaiting(): void {
    while (this.#waiting.length > 0) {
      const connection = this.#open();
      if (connection === undefined) return this.context.scoreboard.wantConnection(this.slot);
      const waiter = this.#waiting.shift()!;
      connection.use(waiter);
      waiter.onConnection(connection);
    }
  }

  /** Opens connections ahead of need, up to `prewarm`. */
  prewarm(): void {
    while (this.#all.size < this.config.prewarm) {
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
  }

  /** An answer was refused; the reason goes to the log, once a second at most. */
  refused(reason: string): void {
    this.#warn(`bad response: ${reason}`);
  }

  reached(): void {
    this.passive?.connected(this.slot, this.context.now);
  }

  unreachable(reason: string, code: string | undefined): void {
    this.passive?.connectFailed(this.slot, code, this.context.now);
    // That a server is out because of this has a line of its own, of which a flood of servers gets only some.
    const { health } = this.context.scoreboard;
    if ((health.flags(this.slot) & HealthFlag.unreachable) === 0) this.#warn(`cannot connect: ${reason}`);
  }

  #warn(text: string): void {
    const { now } = this.context;
    if (now - this.#warnedAt < 1000) return;
    this.#warnedAt = now;
    const where = "path" in this.address ? this.address.path : `${this.address.host}:${this.address.port}`;
    this.context.log("warn", `server ${where}: ${text}`);
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
    for (const connection of Array.from(this.#all)) {
      if (connection.isTunnel) connection.user?.onServerClosing();
      else connection.abort(connection.connected ? errors.serverRemoved : errors.serverGone);
    }
  }

  /** Cuts all connections; exchanges on them fail with `error`. */
  destroy(error: ProxyError): void {
    this.retire();
    for (const waiter of this.#waiting.splice(0)) waiter.onNoConnection(errors.noServer);
    for (const connection of this.#all) connection.abort(error);
  }

  #open(): UpstreamConnection | undefined {
    if (!this.context.scoreboard.tryOpen(this.slot, this.config.maxConnections)) return undefined;
    const connection = new UpstreamConnection(this);
    this.#all.add(connection);
    connection.connect();
    return connection;
  }
}
