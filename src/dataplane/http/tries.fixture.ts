import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { algorithms } from "../../core/balancing/registry.ts";
import { filters } from "../filters/registry.ts";
import { SlotAllocator } from "../../config/slots.ts";
import { snapshotOf } from "../plan.fixture.ts";
import { compilePlan, type Plan } from "../plan.ts";
import { FakeSocket, opened, openedTo } from "../socket.fixture.ts";
import type { Timed } from "../timer-wheel.ts";
import type { PoolRuntime } from "../upstream/pool-runtime.ts";
import type { ServerConnections } from "../upstream/server-connections.ts";
import { testWorker, type TestWorker } from "../worker.fixture.ts";
import { AbuseLog } from "../http2/abuse-log.ts";
import { ClientConnection } from "./client-connection.ts";
import type { ConnectionHost } from "./connection-host.ts";
import { ExchangePool } from "./exchange-pool.ts";

/** A request that a client sends: everything that is needed to tell its answer from any other. */
export interface SentRequest {
  readonly id: string;
  readonly method: string;
  readonly body: string;
  readonly upgrade: boolean;
}

/** A listener without an address, its pools and what the worker does for them at each tick, with reloads. */
export class TriedProxy implements ConnectionHost {
  readonly context: TestWorker = testWorker();
  readonly exchanges = new ExchangePool(this.context);
  readonly clients = this.context.scoreboard.clients;
  readonly slot = this.clients.listenerSlot("web");
  readonly portText = "8080";
  readonly abuses = new AbuseLog();
  webSockets = 0;
  retired = false;
  /** Everything that was ever filed in the wheel. */
  readonly timed = new Set<Timed>();
  /** Pools and connections of all plans, the present one included. */
  readonly pools = new Set<PoolRuntime>();
  readonly connections = new Set<ServerConnections>();
  /** How many retries and hedges the budgets have granted. */
  granted = 0;
  readonly #slots = new SlotAllocator(16);
  wholePlan!: Plan;

  constructor(config: Readonly<Record<string, unknown>>) {
    const { wheel } = this.context;
    const arm = wheel.arm.bind(wheel);
    wheel.arm = (entry) => {
      this.timed.add(entry);
      arm(entry);
    };
    this.reload(config);
  }

  get plan() {
    return this.wholePlan.listeners.get("web")!;
  }

  reload(config: Readonly<Record<string, unknown>>): void {
    const own = { algorithms, filters };
    const snapshot = snapshotOf(config, { algorithms: [], filters: [] }, this.#slots);
    const before: Plan | null = this.wholePlan ?? null;
    this.wholePlan = compilePlan(snapshot, own, this.context, before);
    const used = new Set<ServerConnections>();
    for (const pool of this.wholePlan.pools.values()) {
      if (!this.pools.has(pool)) this.#watch(pool);
      this.pools.add(pool);
      for (const { connections } of pool.servers) used.add(connections);
    }
    for (const connections of this.connections) if (!used.has(connections)) connections.retire();
    for (const connections of used) this.connections.add(connections);
  }

  #watch({ budget, hedging }: PoolRuntime): void {
    for (const each of hedging === null ? [budget] : [budget, hedging.budget]) {
      const tryTake = each.tryTake.bind(each);
      each.tryTake = (now) => {
        const taken = tryTake(now);
        if (taken) this.granted++;
        return taken;
      };
    }
  }

  /** Lets that many ms pass. `timers` moves what is not in the wheel. */
  tick(ms: number, timers: (ms: number) => void): void {
    for (let left = ms; left > 0; left -= 50) {
      timers(50);
      this.context.advance(50);
      const { now } = this.context;
      const current = new Set(this.wholePlan.pools.values());
      for (const pool of this.pools) {
        if (current.has(pool)) pool.tick(now);
        else pool.queue.advance();
      }
      const { health } = this.context.scoreboard;
      for (const connections of this.connections) {
        connections.followKills();
        const leaving = (health.flags(connections.slot) & (HealthFlag.draining | HealthFlag.maintenance)) !== 0;
        if (leaving && now >= health.drainUntil(connections.slot)) connections.end();
        connections.tick(true);
      }
    }
  }

  replace(): void {
    // It keeps no list.
  }
  closed(): void {}

  connect(): FakeSocket {
    const connection = new ClientConnection(this, "192.0.2.7", null);
    const socket = new FakeSocket(connection);
    connection.attach(socket);
    return socket;
  }
}

/** A request as a server has got it. */
export interface HeardRequest {
  readonly id: string;
  readonly method: string;
  readonly body: string;
  readonly complete: boolean;
  readonly upgrade: boolean;
}

/** A message's body in text from `at` on, by its head. `end` is -1 while it is not complete. */
function bodyIn(text: string, at: number, head: string, none: boolean): { body: string; end: number } {
  if (none) return { body: "", end: at };
  if (/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) {
    let body = "";
    for (let position = at; ;) {
      const line = text.indexOf("\r\n", position);
      if (line < 0) return { body, end: -1 };
      const size = parseInt(text.slice(position, line), 16);
      if (Number.isNaN(size)) throw new Error(`not a chunk: ${text.slice(position, position + 40)}`);
      if (size === 0) {
        const end = text.indexOf("\r\n", line + 2);
        return { body, end: end < 0 ? -1 : end + 2 };
      }
      body += text.slice(line + 2, line + 2 + size);
      position = line + 2 + size + 2;
      if (position > text.length) return { body, end: -1 };
    }
  }
  const length = Number(/\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1] ?? 0);
  const end = at + length;
  return { body: text.slice(at, end), end: end <= text.length ? end : -1 };
}

/** The requests that a server's connection has got. */
export function requestsIn(text: string): HeardRequest[] {
  const list: HeardRequest[] = [];
  for (let at = 0; ;) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) return list;
    const head = text.slice(at, end + 4);
    const [, method, id] = /^(\w+) \/(\S+) HTTP\/1.1\r\n/.exec(head) ?? [];
    if (method === undefined || id === undefined) {
      // What came behind an upgrade.
      if (list.at(-1)?.upgrade === true) return list;
      throw new Error(`a server got ${JSON.stringify(head)}`);
    }
    const body = bodyIn(text, end + 4, head, false);
    const upgrade = /\r\nupgrade: foo\r\n/i.test(head);
    list.push({ id, method, body: body.body, complete: body.end >= 0, upgrade });
    if (body.end < 0) return list;
    at = body.end;
  }
}

/** An answer as a client has got it. `socket` is the server's connection that it says it is from; -1 for our own. */
export interface HeardAnswer {
  readonly status: number;
  readonly socket: number;
  readonly id: string;
  readonly body: string;
  readonly complete: boolean;
}

/** The answers in what a client got for these requests, in order; 1xx are passed over. Throws for more than that. */
export function answersIn(text: string, requests: readonly SentRequest[]): HeardAnswer[] {
  const list: HeardAnswer[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) return list;
    const head = text.slice(at, end + 4);
    const status = Number(/^HTTP\/1\.1 (\d\d\d) /.exec(head)?.[1] ?? NaN);
    if (Number.isNaN(status)) throw new Error(`a client got ${JSON.stringify(text.slice(at, at + 100))}`);
    if (status < 200 && status !== 101) {
      at = end + 4;
      continue;
    }
    const request = requests[list.length];
    if (request === undefined) throw new Error(`one answer too many: ${head}`);
    const from = /\r\nx-from: (\d+) (\S+)\r\n/i.exec(head);
    if (status === 101) {
      list.push({ status, socket: Number(from?.[1]), id: from?.[2] ?? "", body: "", complete: true });
      return list;
    }
    const none = request.method === "HEAD" || status === 204 || status === 304;
    const { body, end: next } = bodyIn(text, end + 4, head, none);
    list.push({
      status,
      socket: from === null ? -1 : Number(from[1]),
      id: from === null ? "" : from[2]!,
      body,
      complete: next >= 0,
    });
    if (next < 0) return list;
    at = next;
  }
  return list;
}

/** A body whose every part tells what it belongs to. */
export function bodyOf(id: string, size: number): string {
  const word = `${id};`;
  return word.repeat(Math.ceil(size / word.length)).slice(0, size);
}

/** One chunk; nothing for nothing, which would be the last one. */
export function chunk(piece: string): string {
  return piece === "" ? "" : `${piece.length.toString(16)}\r\n${piece}\r\n`;
}

/** What a server does with one of its connections. */
export class Origin {
  readonly index: number;
  /** Requests that were answered, or begun to be. */
  answered = 0;
  /** The rest of an answer of which the beginning was sent. */
  rest = "";
  /** 101 was sent. */
  tunnel = false;

  constructor(index: number) {
    this.index = index;
  }

  get socket(): FakeSocket {
    return opened[this.index]!;
  }
  get target(): string {
    return openedTo[this.index]!;
  }
  get requests(): HeardRequest[] {
    return requestsIn(this.socket.sent);
  }
  /** The request that waits for its answer. */
  get next(): HeardRequest | undefined {
    return this.rest !== "" || this.tunnel || this.socket.destroyed ? undefined : this.requests[this.answered];
  }

  /** An answer to that request, with what follows it. */
  text(request: HeardRequest, status: number, size: number, chunked: boolean): string {
    const from = `X-From: ${this.index} ${request.id}\r\n`;
    if (status === 204) return `HTTP/1.1 204 No Content\r\n${from}\r\n`;
    const body = bodyOf(`${request.id}@${this.index}`, size);
    const line = `HTTP/1.1 ${status} X\r\n${from}`;
    const none = request.method === "HEAD";
    if (!chunked) return `${line}Content-Length: ${size}\r\n\r\n${none ? "" : body}`;
    const half = Math.ceil(size / 2);
    const framed = `${chunk(body.slice(0, half))}${chunk(body.slice(half))}0\r\n\r\n`;
    return `${line}Transfer-Encoding: chunked\r\n\r\n${none ? "" : framed}`;
  }

  /** Sends an answer, or its beginning: `share` of it. */
  answer(status: number, size: number, chunked: boolean, share: number): void {
    const request = this.next;
    if (request === undefined) return;
    this.answered++;
    const text = this.text(request, status, size, chunked);
    const cut = Math.max(1, Math.floor(text.length * share));
    this.rest = text.slice(cut);
    this.socket.receive(text.slice(0, cut));
  }

  /** Sends what is missing of an answer. */
  finish(): void {
    const { rest } = this;
    this.rest = "";
    if (rest !== "" && !this.socket.destroyed) this.socket.receive(rest);
  }
}
