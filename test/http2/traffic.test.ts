import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Http2Connection } from "../../src/http2/connection.ts";
import { ErrorCode } from "../../src/http2/error-code.ts";
import type { FieldList } from "../../src/http2/field-list.ts";
import type { Http2ConnectionOptions, Http2Owner, Http2Stream, StreamUser } from "../../src/http2/peer.ts";
import { seededRandom } from "../../src/core/random.ts";
import { defaults } from "./support/recorded-connection.ts";

const limits = {
  maxResets: 1e9,
  maxPings: 1e9,
  maxSettings: 1e9,
  maxContinuations: 100,
  maxEmptyFrames: 1e9,
  maxQueuedReplies: 1e9,
};

/** Bytes that differ by stream and place, so that a lost, doubled or moved one is seen. */
function body(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (seed * 31 + i * 7 + (i >> 8)) & 255;
  return bytes;
}

/** One direction of one stream: sends a body in pieces, with backpressure, or receives one. */
class Party implements StreamUser {
  stream!: Http2Stream;
  readonly toSend: Buffer;
  private readonly chunk: number;
  readonly trailers: boolean;
  private readonly connection: () => Http2Connection;
  private sent = 0;
  readonly received: Buffer[] = [];
  /** Received and not consumed. */
  held = 0;
  ended = false;
  sentEnd = false;
  gotTrailers = "";
  resetCode = -1;
  processed = true;
  private readonly onFirstHead: () => void;
  private headSeen = false;

  constructor(connection: () => Http2Connection, toSend: Buffer, chunk: number, trailers: boolean, onHead: () => void) {
    this.connection = connection;
    this.toSend = toSend;
    this.chunk = chunk;
    this.trailers = trailers;
    this.onFirstHead = onHead;
  }

  begin(fields: readonly (readonly [string, string])[]): void {
    const { encoder } = this.connection();
    encoder.begin();
    for (const [name, value] of fields) encoder.field(name, value);
    this.stream.sendHead(this.toSend.length === 0 && !this.trailers);
    this.pump();
  }

  pump(): void {
    while (!this.stream.sendingEnded && !this.stream.needsDrain) {
      const end = Math.min(this.toSend.length, this.sent + this.chunk);
      const last = end === this.toSend.length;
      if (end > this.sent) this.stream.sendData(this.toSend, last && !this.trailers, this.sent, end);
      this.sent = end;
      if (last && this.trailers) {
        const { encoder } = this.connection();
        encoder.begin(true);
        encoder.field("x-sum", String(this.toSend.length));
        this.stream.sendHead(true);
      }
    }
  }

  onHead(fields: FieldList, end: boolean): void {
    if (this.headSeen) this.gotTrailers = fields.fields[0].value;
    this.ended ||= end;
    if (!this.headSeen) {
      this.headSeen = true;
      this.onFirstHead();
    }
  }

  onData(buffer: Buffer, from: number, to: number, end: boolean): void {
    expect(this.ended).toBe(false);
    this.received.push(Buffer.from(buffer.subarray(from, to)));
    this.held += to - from;
    this.ended ||= end;
  }

  onReset(code: number, processed: boolean): void {
    expect(this.resetCode).toBe(-1);
    this.resetCode = code;
    this.processed = processed;
    // Half of the users forget what they have not consumed: the connection has to see to it.
    if (this.chunk % 2 === 0) this.held = 0;
  }

  onDrain(): void {
    this.pump();
  }

  onSent(): void {
    expect(this.sentEnd).toBe(false);
    this.sentEnd = true;
  }
}

interface Exchange {
  readonly client: Party;
  server: Party | undefined;
  resetByUs: boolean;
}

interface Plan {
  seed: number;
  streams: number;
  serverOptions: Partial<Http2ConnectionOptions>;
  clientOptions: Partial<Http2ConnectionOptions>;
  resets: boolean;
}

/** Two connections wired to each other, and what goes on between them until nothing does. */
class World {
  readonly server: Http2Connection;
  readonly client: Http2Connection;
  readonly exchanges: Exchange[] = [];
  readonly errors: string[] = [];
  private readonly random: () => number;
  private readonly plan: Plan;
  private readonly wires: { from: Http2Connection; to: Http2Connection; bytes: Buffer[]; length: number }[];

  constructor(plan: Plan) {
    this.plan = plan;
    this.random = seededRandom(plan.seed);
    const base = { ...defaults, maxConcurrentStreams: 100, limits, now: () => 0 };
    const owner = (onStream: (stream: Http2Stream) => StreamUser): Http2Owner => ({
      onStream,
      onOutput() {},
      onSettings() {},
      onGoAway() {},
      onPong() {},
      onConnectionError: (code, reason) => this.errors.push(`${code} ${reason}`),
    });
    this.server = new Http2Connection(
      { ...base, ...plan.serverOptions, role: "server" },
      owner((stream) => this.accept(stream)),
    );
    this.client = new Http2Connection(
      { ...base, ...plan.clientOptions, role: "client" },
      owner(() => {
        throw new Error("the server has opened a stream");
      }),
    );
    this.wires = [
      { from: this.client, to: this.server, bytes: [], length: 0 },
      { from: this.server, to: this.client, bytes: [], length: 0 },
    ];
    this.server.start();
    this.client.start();
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  private bodyLength(): number {
    const kind = this.below(4);
    return kind === 0 ? 0 : kind === 1 ? this.below(100) : kind === 2 ? this.below(20_000) : this.below(200_000);
  }

  private party(side: "server" | "client", seed: number, onHead: () => void): Party {
    const connection = () => this[side];
    return new Party(connection, body(seed, this.bodyLength()), 1 + this.below(40_000), this.below(3) === 0, onHead);
  }

  private accept(stream: Http2Stream): StreamUser {
    const exchange = this.exchanges.find(({ client }) => client.stream.id === stream.id)!;
    const party = this.party("server", stream.id + 1, () => {
      if (this.below(4) === 0) stream.setPriority(this.below(8), this.below(2) === 0);
      party.begin([
        [":status", "200"],
        ["x-a", "v".repeat(this.below(this.below(10) === 0 ? 6000 : 30))],
      ]);
    });
    party.stream = stream;
    exchange.server = party;
    return party;
  }

  private open(): void {
    const party = this.party("client", this.client.lastPeerStream + this.exchanges.length * 2 + 1, () => {});
    const stream = this.client.openStream(party);
    if (stream === null) return;
    party.stream = stream;
    this.exchanges.push({ client: party, server: undefined, resetByUs: false });
    party.begin([
      [":method", "POST"],
      [":path", `/${this.exchanges.length}`],
    ]);
  }

  /** Moves bytes, in pieces. True if some were moved. */
  private move(wire: World["wires"][number]): boolean {
    for (let bytes = wire.from.takeOutput(); bytes !== null; bytes = wire.from.takeOutput()) {
      wire.bytes.push(Buffer.from(bytes));
      wire.length += bytes.length;
      bytes.fill(0xdb);
      wire.from.recycle(bytes);
      // The socket may be full.
      if (this.below(3) === 0) break;
    }
    if (wire.length === 0) return false;
    const all = Buffer.concat(wire.bytes);
    const count = this.below(3) === 0 ? all.length : Math.min(all.length, 1 + this.below(50_000));
    const piece = Buffer.from(all.subarray(0, count));
    wire.to.receive(piece, 0, count);
    piece.fill(0xcd);
    wire.bytes = count < all.length ? [all.subarray(count)] : [];
    wire.length = all.length - count;
    return true;
  }

  private consume(all: boolean): boolean {
    let some = false;
    for (const { client, server } of this.exchanges) {
      for (const party of [client, server]) {
        if (party === undefined || party.held === 0 || (!all && this.below(2) === 0)) continue;
        const count = all ? party.held : 1 + this.below(party.held);
        party.stream.consumed(count);
        party.held -= count;
        some = true;
      }
    }
    return some;
  }

  private resetOne(): void {
    const exchange = this.exchanges[this.below(this.exchanges.length)];
    const party = this.below(2) === 0 ? exchange.client : exchange.server;
    if (party === undefined || party.stream.closed) return;
    party.stream.reset(8);
    party.held = 0;
    exchange.resetByUs = true;
  }

  private releaseEnded(): void {
    for (const { server } of this.exchanges) if (server?.stream.closed === true) server.stream.release();
  }

  run(): void {
    for (let round = 0; ; round++) {
      if (round > 100_000) throw new Error("does not come to an end");
      if (this.exchanges.length < this.plan.streams && this.below(2) === 0) this.open();
      if (this.plan.resets && this.exchanges.length > 0 && this.below(20) === 0) this.resetOne();
      for (const wire of this.wires) {
        wire.from.blocked = this.below(4) === 0;
        this.move(wire);
      }
      this.consume(false);
      this.releaseEnded();
      if (this.exchanges.length === this.plan.streams && this.settle()) return;
    }
  }

  /** Whether nothing happens any more when nobody holds anything back. */
  private settle(): boolean {
    let moved = this.consume(true);
    for (const wire of this.wires) {
      wire.from.blocked = false;
      moved = this.move(wire) || moved;
    }
    this.releaseEnded();
    return !moved;
  }
}

const window = fc.oneof(fc.constantFrom(1, 100, 65_535, 262_144), fc.integer({ min: 1, max: 300_000 }));

const plans: fc.Arbitrary<Plan> = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  streams: fc.integer({ min: 1, max: 25 }),
  serverOptions: fc.record({
    // A window of one byte over and over is right, and slow.
    streamWindow: window.map((size) => Math.max(size, 500)),
    connectionWindow: window.map((size) => Math.max(size, 5000)),
    maxFrameSize: fc.constantFrom(16_384, 50_000),
    headerTableSize: fc.constantFrom(0, 100, 4096, 65_536),
    maxConcurrentStreams: fc.constantFrom(1, 3, 100),
  }),
  clientOptions: fc.record({
    streamWindow: window.map((size) => Math.max(size, 500)),
    connectionWindow: window.map((size) => Math.max(size, 5000)),
    headerTableSize: fc.constantFrom(0, 100, 4096, 65_536),
  }),
  resets: fc.boolean(),
});

function checkExchange({ client, server, resetByUs }: Exchange): void {
  if (resetByUs) {
    expect(client.stream.closed).toBe(true);
    expect(server === undefined || server.stream.closed).toBe(true);
    return;
  }
  if (server === undefined) {
    // More than the server allows, which the client did not know yet, or before the server had let go of another one.
    expect([client.resetCode, client.processed]).toEqual([ErrorCode.refusedStream, false]);
    return;
  }
  for (const [from, to] of [
    [client, server],
    [server, client],
  ]) {
    expect(Buffer.concat(to.received).equals(from.toSend)).toBe(true);
    expect(to.ended).toBe(true);
    expect(from.sentEnd).toBe(true);
    expect(to.resetCode).toBe(-1);
    expect(to.gotTrailers).toBe(from.trailers ? String(from.toSend.length) : "");
    expect(from.stream.closed).toBe(true);
    expect(from.stream.unsent).toBe(0);
  }
}

describe("two connections wired to each other", () => {
  it("deliver every byte once and in order, and end with nothing left over", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const world = new World(plan);
        world.run();
        expect(world.errors).toEqual([]);
        expect(world.exchanges).toHaveLength(plan.streams);
        for (const exchange of world.exchanges) checkExchange(exchange);
        for (const side of [world.client, world.server]) {
          expect(side.streamCount).toBe(0);
          expect(side.queuedBytes).toBe(0);
          expect(side.pendingBytes).toBe(0);
          expect(side.hasOutput).toBe(false);
          expect(side.settingsAcknowledged).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it("end with balanced windows, whatever was reset on the way", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const world = new World({ ...plan, resets: true });
        world.run();
        const sizes = [plan.serverOptions.connectionWindow, plan.clientOptions.connectionWindow];
        windowsOf(world).forEach(([remaining, allowed, credit], direction) => {
          // Both sides agree on what may be sent, and with what is not announced yet it is the whole window.
          expect(remaining).toBe(allowed);
          expect(allowed + credit).toBe(sizes[direction]);
        });
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

interface Inside {
  state: { sender: { window: number }; credit: { window: { remaining: number; credit: number } } };
}

const inside = (connection: Http2Connection): Inside["state"] => (connection as unknown as Inside).state;

/** For both directions: the sender's window of the connection, the receiver's idea of it, and credit kept back. */
function windowsOf(world: World): [number, number, number][] {
  return (
    [
      [world.client, world.server],
      [world.server, world.client],
    ] as const
  ).map(([from, to]) => {
    const { sender } = inside(from);
    const { window } = inside(to).credit;
    return [sender.window, window.remaining, window.credit];
  });
}
