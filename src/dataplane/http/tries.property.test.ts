import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { BREAKER_TRIALS } from "../../shared-memory/layout.ts";
import { isIdempotent } from "../../core/retry/retry-rule.ts";
import type { UpstreamConnection } from "../upstream/upstream-connection.ts";
import { webConfig } from "../plan.fixture.ts";
import { forgetOpened, opened, settled, type FakeSocket } from "../socket.fixture.ts";
import { Attempt } from "./attempt.ts";
import { answersIn, bodyOf, chunk, Origin, TriedProxy, type SentRequest } from "./tries.fixture.ts";
import { UpstreamLeg } from "./upstream-leg.ts";

/*
 * Random pools, clients, servers and operators, each doing anything at any moment: whatever happens, a request gets one
 * answer, its own, from one server, or its connection is cut; and when all is quiet nothing is left behind.
 */
vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(() => {
  forgetOpened();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => void vi.useRealTimers());

const pools = fc.record({
  servers: fc.integer({ min: 2, max: 4 }),
  maxConnections: fc.constantFrom(0, 0, 1, 2),
  upstream: fc.record({
    maxConnections: fc.constantFrom(1000, 1000, 1, 2),
    requestTimeout: fc.constantFrom(0, 0, 700),
    connectTimeout: fc.constantFrom(400, 5000),
    responseTimeout: fc.constantFrom(1000, 60_000),
  }),
  queue: fc.record({ limit: fc.constantFrom(0, 1, 10), timeout: fc.constantFrom(200, 1000) }),
  retries: fc.record({
    attempts: fc.constantFrom(0, 1, 2, 5),
    statuses: fc.constantFrom([500, 503], [503], [404, 503]),
    nonIdempotent: fc.boolean(),
    tryTimeout: fc.constantFrom(0, 0, 300),
    budget: fc.constantFrom(0.2, 1),
    minRetriesPerSecond: fc.constantFrom(0.1, 3),
    backoff: fc.constantFrom(0, 100),
    bufferLimit: fc.constantFrom(100, 65_536),
  }),
  hedging: fc.constantFrom<unknown>("off", { percentile: 90, budget: 0.5 }),
  adaptiveConcurrency: fc.constantFrom("off", { initial: 2, minimum: 1 }),
  circuitBreaker: fc.constantFrom("off", { failureThreshold: 1, recoveryTimeout: 300, halfOpenRequests: 1 }),
  outlierDetection: fc.constantFrom("off", {}, { silentRequests: 1, silence: 200, maxEjected: 1, ejectionTime: 1000 }),
  failOpen: fc.boolean(),
  fallback: fc.boolean(),
  degradation: fc.constantFrom("off", {}),
});
type Pool = typeof pools extends fc.Arbitrary<infer T> ? T : never;

/** Half of the pools have no limits of any kind, or few requests would ever get far. */
const anyPool = fc.oneof(
  pools,
  pools.map((pool): Pool => ({
    ...pool,
    servers: 4,
    maxConnections: 0,
    upstream: { ...pool.upstream, maxConnections: 1000 },
    retries: { ...pool.retries, attempts: 5, budget: 1, minRetriesPerSecond: 3 },
    adaptiveConcurrency: "off" as const,
    circuitBreaker: "off" as const,
    outlierDetection: "off" as const,
    fallback: false,
    degradation: "off" as const,
  })),
);

const which = fc.nat(4);
const sizes = fc.constantFrom(0, 3, 50, 3000, 200_000);
const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const operations = fc.oneof(
  weighted(
    6,
    fc.record({
      do: fc.constant("request" as const),
      /** A client that is there already, or a new one. */
      client: fc.nat(4),
      method: fc.constantFrom("GET", "GET", "GET", "PUT", "PUT", "POST", "POST", "HEAD", "UPGRADE"),
      size: sizes,
      chunked: fc.boolean(),
      expect: fc.boolean(),
      cut: fc.constantFrom(1, 1, 0.5, 0.9),
    }),
  ),
  weighted(3, fc.record({ do: fc.constantFrom("more" as const, "gone" as const, "end" as const), client: fc.nat(4) })),
  weighted(1, fc.record({ do: fc.constantFrom("clientStall" as const, "clientFlow" as const), client: fc.nat(4) })),
  weighted(
    15,
    fc.record({ do: fc.constantFrom("connect" as const, "connectAll" as const, "connectAll" as const), which }),
  ),
  weighted(
    6,
    fc.record({
      do: fc.constant("answer" as const),
      which,
      status: fc.constantFrom(200, 200, 200, 204, 404, 500, 503, 503),
      size: sizes,
      chunked: fc.boolean(),
      share: fc.constantFrom(1, 1, 1, 0.05, 0.9),
    }),
  ),
  weighted(
    5,
    fc.record({
      do: fc.constantFrom(
        "refuse" as const,
        "reset" as const,
        "close" as const,
        "finish" as const,
        "interim" as const,
        "garbage" as const,
        "tooMuch" as const,
        "upgrade" as const,
        "stall" as const,
        "flow" as const,
      ),
      which,
    }),
  ),
  weighted(
    2,
    fc.record({
      do: fc.constantFrom("drain" as const, "kill" as const, "maintain" as const, "down" as const, "free" as const),
      slot: fc.nat(3),
    }),
  ),
  weighted(12, fc.record({ do: fc.constant("tick" as const), ms: fc.constantFrom(50, 50, 100, 300, 1000) })),
  weighted(1, fc.record({ do: fc.constant("reload" as const), less: fc.boolean() })),
);
type Operation = typeof operations extends fc.Arbitrary<infer T> ? T : never;

interface Client {
  readonly socket: FakeSocket;
  readonly requests: SentRequest[];
  /** What is still to be sent. */
  rest: string;
  /** It went away, or ended its half, by itself. */
  left: boolean;
}

function configOf(pool: Pool, version = 0, less = false): Record<string, unknown> {
  const { servers, maxConnections, fallback, queue, ...settings } = pool;
  const list = Array.from({ length: less ? servers - 1 : servers }, (_, i) => ({
    address: `127.0.0.1:${i + 1}`,
    maxConnections,
  }));
  const config = webConfig(list, {
    ...settings,
    queue: { ...queue, timeout: queue.timeout + version },
    ...(fallback ? { fallbackPool: "other" } : {}),
  }) as { pools: Record<string, unknown> };
  if (fallback) config.pools["other"] = { servers: ["127.0.0.1:9"], retries: pool.retries };
  return config;
}

const zero = (list: readonly unknown[]) => list.map(() => 0);

/** One run of the model. */
class World {
  readonly pool: Pool;
  readonly proxy: TriedProxy;
  readonly clients: Client[] = [];
  readonly origins: Origin[] = [];
  #version = 0;
  #count = 0;

  constructor(pool: Pool) {
    this.pool = pool;
    this.proxy = new TriedProxy(configOf(pool));
    // So that hedging knows from the beginning what is slow.
    for (const { hedging } of this.proxy.pools) for (let i = 0; i < 60; i++) hedging?.delay.observe(60);
  }

  /** The connections to servers, with those that were opened since. */
  look(): Origin[] {
    while (this.origins.length < opened.length) this.origins.push(new Origin(this.origins.length));
    return this.origins.filter(({ socket }) => !socket.destroyed);
  }

  async run(operation: Operation): Promise<void> {
    this.#do(operation);
    await settled();
    this.check();
  }

  #do(operation: Operation): void {
    if ("client" in operation) return this.#client(operation);
    if ("slot" in operation) return this.#operate(operation.do, operation.slot % this.pool.servers);
    if (operation.do === "tick") return this.proxy.tick(operation.ms, (ms) => void vi.advanceTimersByTime(ms));
    if (operation.do === "reload") {
      this.proxy.reload(configOf(this.pool, ++this.#version, operation.less && this.pool.servers > 2));
      return;
    }
    const live = this.look();
    if (operation.do === "connectAll") for (const { socket } of live) socket.connected();
    // The latest ones are those that something is going on with.
    else if (live.length > 0) this.#serve(live[live.length - 1 - (operation.which % live.length)]!, operation);
  }

  #client(operation: Extract<Operation, { client: number }>): void {
    let client = this.clients.filter(({ socket, left }) => !socket.destroyed && !left)[operation.client];
    if (operation.do === "request") {
      if (client === undefined) {
        client = { socket: this.proxy.connect(), requests: [], rest: "", left: false };
        this.clients.push(client);
      }
      const upgrade = operation.method === "UPGRADE";
      // Behind an upgrade nothing is a request.
      if (client.requests.some((request) => request.upgrade)) return;
      const method = upgrade ? "GET" : operation.method;
      const id = `r${this.#count++}`;
      const withBody = method === "PUT" || method === "POST";
      const body = withBody ? bodyOf(id, operation.size) : "";
      client.requests.push({ id, method, body, upgrade });
      const half = Math.ceil(body.length / 2);
      const lines = [
        `${method} /${id} HTTP/1.1`,
        "Host: a",
        ...(upgrade ? ["Connection: upgrade", "Upgrade: foo"] : []),
        ...(withBody && operation.expect ? ["Expect: 100-continue"] : []),
        ...(withBody ? [operation.chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`] : []),
      ];
      const framed =
        operation.chunked && withBody ? `${chunk(body.slice(0, half))}${chunk(body.slice(half))}0\r\n\r\n` : body;
      const text = client.rest + `${lines.join("\r\n")}\r\n\r\n${framed}`;
      const cut = Math.floor(text.length * operation.cut);
      client.rest = text.slice(cut);
      client.socket.receive(text.slice(0, cut));
      return;
    }
    if (client === undefined) return;
    switch (operation.do) {
      case "more": {
        const { rest } = client;
        client.rest = "";
        client.socket.receive(rest);
        return;
      }
      case "gone":
        client.left = true;
        return client.socket.reset();
      case "end":
        client.left = true;
        return client.socket.peerEnd();
      case "clientStall":
        return client.socket.stall();
      case "clientFlow":
        return client.socket.flow();
    }
  }

  #serve(origin: Origin, operation: Extract<Operation, { which: number }>): void {
    const { socket } = origin;
    switch (operation.do) {
      case "connect":
        return socket.connected();
      case "answer":
        return origin.answer(operation.status, operation.size, operation.chunked, operation.share);
      case "finish":
        return origin.finish();
      case "refuse":
        return socket.reset(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
      case "reset":
        return socket.reset();
      case "close":
        // Before there is a connection there is nothing to end.
        if ((socket.owner as UpstreamConnection).connected) socket.peerEnd();
        return;
      case "interim":
        if (origin.next !== undefined) socket.receive("HTTP/1.1 100 Continue\r\n\r\n");
        return;
      case "garbage":
        if (origin.next !== undefined) socket.receive("garbage\r\n\r\n");
        return;
      case "tooMuch": {
        const request = origin.next;
        if (request === undefined) return;
        origin.answered++;
        return socket.receive(`${origin.text(request, 200, 10, false)}HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad`);
      }
      case "upgrade": {
        const request = origin.next;
        if (request === undefined) return;
        origin.tunnel = request.upgrade;
        origin.answered++;
        const from = `X-From: ${origin.index} ${request.id}\r\n`;
        return socket.receive(`HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: foo\r\n${from}\r\n`);
      }
      case "stall":
        return socket.stall();
      case "flow":
        return socket.flow();
    }
  }

  #operate(what: "drain" | "kill" | "maintain" | "down" | "free", slot: number): void {
    const { health } = this.proxy.context.scoreboard;
    const { now } = this.proxy.context;
    const { draining, maintenance, forcedDown } = HealthFlag;
    if (what === "kill") return health.kill(slot);
    if (what === "free") return void health.clear(slot, draining | maintenance | forcedDown, now);
    health.setDrainUntil(slot, now + 300);
    health.set(slot, what === "drain" ? draining : what === "maintain" ? maintenance : forcedDown, now);
  }

  /** What holds at every moment. */
  check(): void {
    this.look();
    const all = new Map(this.clients.flatMap(({ requests }) => requests.map((request) => [request.id, request])));
    /** Where each request was sent, in order. */
    const sent = new Map<string, { origin: Origin; index: number }[]>();
    for (const origin of this.origins) {
      origin.requests.forEach((heard, index) => {
        const request = all.get(heard.id);
        if (request === undefined) throw new Error(`a server heard of ${heard.id}`);
        if (heard.method !== request.method) throw new Error(`${heard.id} has become ${heard.method}`);
        if (!request.body.startsWith(heard.body)) throw new Error(`the body of ${heard.id} is not its own`);
        if (heard.complete && heard.body !== request.body) throw new Error(`the body of ${heard.id} was cut short`);
        const list = sent.get(heard.id) ?? [];
        list.push({ origin, index });
        sent.set(heard.id, list);
      });
    }
    let repeats = 0;
    for (const [id, places] of sent) {
      const { method } = all.get(id)!;
      if (!isIdempotent(method) && !this.pool.retries.nonIdempotent && places.length > 1)
        throw new Error(`${method} ${id} was sent ${places.length} times`);
      /** Which request of its connection it was there. */
      const targets = new Map<string, number>();
      const repeated = new Set<string>();
      for (const { origin, index } of places) {
        const before = targets.get(origin.target);
        // Only a connection that had been used before may have been closed just as the request went out, and only once.
        if (before === 0 || repeated.has(origin.target)) throw new Error(`${id} went to ${origin.target} twice`);
        if (before !== undefined) repeated.add(origin.target);
        targets.set(origin.target, index);
      }
      // What was lost with a connection that had been used before costs nothing.
      repeats += places.slice(0, -1).filter(({ index }) => index === 0).length;
    }
    const { granted } = this.proxy;
    if (repeats > granted) throw new Error(`${repeats} requests were sent again, but only ${granted} may be`);
    for (const client of this.clients) {
      const answers = answersIn(client.socket.sent, client.requests);
      answers.forEach((answer, i) => {
        const request = client.requests[i]!;
        if (answer.socket < 0) return;
        if (answer.id !== request.id)
          throw new Error(`${request.id} got the answer to ${answer.id}: ${client.socket.sent.slice(0, 300)}`);
        if (answer.status === 101 && !request.upgrade) throw new Error(`${request.id} did not ask for an upgrade`);
        const whole = bodyOf(`${answer.id}@${answer.socket}`, answer.body.length);
        if (answer.body !== whole) throw new Error(`the answer to ${request.id} is a mixture`);
      });
    }
    const bugs = this.proxy.context.logs.filter((line) => line.startsWith("error "));
    if (bugs.length > 0) throw new Error(bugs.join("\n"));
  }

  /** Everybody behaves well until nothing more happens. */
  async calm(): Promise<void> {
    for (let slot = 0; slot < this.pool.servers; slot++) this.#operate("free", slot);
    for (let round = 0; round < 100; round++) {
      for (const client of this.clients) {
        const { rest, socket } = client;
        socket.flow();
        client.rest = "";
        if (rest !== "" && !socket.destroyed && !client.left) socket.receive(rest);
      }
      for (const origin of this.look()) {
        const { socket } = origin;
        socket.flow();
        if (!socket.destroyed) socket.connected();
        origin.finish();
        while (!socket.destroyed && origin.next?.complete === true) origin.answer(200, 5, false, 1);
        if (origin.tunnel && !socket.destroyed) socket.peerEnd();
      }
      await settled();
      this.proxy.tick(50, (ms) => void vi.advanceTimersByTime(ms));
    }
    await settled();
    this.check();
    for (const { socket, requests, left } of this.clients) {
      if (left || socket.destroyed || socket.ended) continue;
      const answers = answersIn(socket.sent, requests);
      if (answers.length !== requests.length || !answers.every(({ complete }) => complete))
        throw new Error(`${requests[answers.length]?.id ?? "?"} got no answer`);
    }
    for (const { socket } of this.clients) if (!socket.destroyed) socket.reset();
    await settled();
    await settled();
    this.proxy.tick(50, (ms) => void vi.advanceTimersByTime(ms));
  }

  /** What is left behind when all is quiet. */
  get leftovers(): unknown {
    const { scoreboard } = this.proxy.context;
    const slots = [0, 1, 2, 3, 4, 5, 6, 7];
    return {
      inFlight: slots.map((slot) => scoreboard.inFlight(slot)),
      trials: slots.map((slot) => scoreboard.health.read(slot, BREAKER_TRIALS)),
      active: [...this.proxy.pools].map((pool) => pool.active),
      queued: [...this.proxy.pools].map((pool) => pool.queue.length),
      inUse: [...this.proxy.connections].map((connections) => connections.inUse),
      timers: vi.getTimerCount(),
      filed: [...this.proxy.timed].filter(
        (entry) => (entry instanceof Attempt || entry instanceof UpstreamLeg) && entry.wheelTick >= 0,
      ).length,
    };
  }
}

const RUNS = Number(process.env["EVENKEEL_RUNS"] ?? 300);

describe("whatever clients, servers and operators do", () => {
  it("each request gets one answer, its own, and nothing is left behind", { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        anyPool,
        fc.array(operations, { minLength: 1, maxLength: 60, size: "max" }),
        async (pool, script) => {
          forgetOpened();
          vi.clearAllTimers();
          const world = new World(pool);
          for (const operation of script) await world.run(operation);
          await world.calm();
          const { pools: runtimes, connections } = world.proxy;
          expect(world.leftovers).toEqual({
            inFlight: [0, 0, 0, 0, 0, 0, 0, 0],
            trials: [0, 0, 0, 0, 0, 0, 0, 0],
            active: zero([...runtimes]),
            queued: zero([...runtimes]),
            inUse: zero([...connections]),
            timers: 0,
            filed: 0,
          });
        },
      ),
      { numRuns: RUNS, ...(process.env["EVENKEEL_SEED"] ? { seed: Number(process.env["EVENKEEL_SEED"]) } : {}) },
    );
  });
});
