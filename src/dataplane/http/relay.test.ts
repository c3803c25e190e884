import * as fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ChunkedDecoder } from "../../http1/chunked.ts";
import { webConfig } from "../plan.fixture.ts";
import { type FakeSocket, forgetOpened, opened, settled } from "../socket.fixture.ts";
import { testWorker } from "../worker.fixture.ts";
import { TestProxy } from "./proxy.fixture.ts";

/*
 * Rules of the whole way between two sockets, in any cut and at any moment: no byte is lost, doubled or changed. The
 * sockets are fakes that overwrite a read buffer as soon as its owner may not rely on it any more.
 */
vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

/** A body whose bytes tell where they belong. */
function bodyOf(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => 97 + ((i * 31 + (i >> 8)) % 26)));
}

/** The bytes, cut behind each of the given shares of their length. */
function cutAt(bytes: Buffer, shares: readonly number[]): Buffer[] {
  const places = [
    0,
    ...shares.map((share) => Math.floor(share * bytes.length)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  return places.slice(1).map((to, i) => bytes.subarray(places[i], to));
}

/** The head and the body of a message; a chunked body is read. */
function parts(text: string): { head: string; body: string; complete: boolean } {
  const at = text.indexOf("\r\n\r\n") + 4;
  const head = text.slice(0, at);
  const rest = Buffer.from(text.slice(at), "latin1");
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
  if (!/\r\ntransfer-encoding: chunked\r\n/i.test(head)) {
    const size = length === undefined ? rest.length : Number(length);
    if (rest.length > size) throw new Error(`${rest.length - size} bytes too many`);
    return { head, body: rest.toString("latin1"), complete: rest.length === size };
  }
  const decoder = new ChunkedDecoder();
  let body = "";
  for (let position = 0; ;) {
    const event = decoder.next(rest, position, rest.length);
    position = decoder.position;
    if (event === 1) body += rest.latin1Slice(decoder.dataStart, decoder.dataEnd);
    else if (event === 2) {
      if (position < rest.length) throw new Error("bytes behind the last chunk");
      return { head, body, complete: true };
    } else if (event === 0) return { head, body, complete: false };
    else throw new Error(decoder.error!.reason);
  }
}

function chunked(pieces: readonly Buffer[]): Buffer {
  const framed = pieces.flatMap((piece) =>
    piece.length === 0 ? [] : [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")],
  );
  return Buffer.concat([...framed, Buffer.from("0\r\n\r\n")]);
}

const lengths = fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 300_000 }));
const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });

const toServer = fc.record({
  length: lengths,
  framed: fc.boolean(),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 10 }),
  chunks: shares,
  /** After which reads something happens to the server's connection. */
  connectAfter: fc.nat(3),
  loseAfter: fc.array(fc.nat(8), { maxLength: 2 }),
  stallAfter: fc.option(fc.nat(6)),
  bufferLimit: fc.constantFrom(0, 1000, 65_536, 1_000_000, 1_000_000),
  method: fc.constantFrom("PUT", "PUT", "PUT", "POST"),
});

describe("a request's body", () => {
  it("arrives exactly once, or once more from its beginning at another server", async () => {
    let replayed = 0;
    await fc.assert(
      fc.asyncProperty(toServer, async (run) => {
        forgetOpened();
        // Of its own, or what was said against a server in one run would hold in the next.
        const worker = testWorker();
        const servers = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"];
        const retries = { attempts: 2, bufferLimit: run.bufferLimit, backoff: 0 };
        const proxy = new TestProxy(webConfig(servers, { retries }), undefined, worker);
        const client = proxy.connect();
        const body = bodyOf(run.length);
        const framing = run.framed ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
        const wire = run.framed ? chunked(cutAt(body, run.chunks)) : body;
        const head = Buffer.from(`${run.method} /up HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
        const reads = cutAt(Buffer.concat([head, wire]), run.cuts);
        const lose = [...run.loseAfter];
        for (let step = 0; step < Math.max(reads.length, 10); step++) {
          if (step < reads.length) client.receive(reads[step]);
          await settled();
          const server = opened.at(-1);
          if (server === undefined || server.destroyed) continue;
          if (step >= run.connectAfter) server.connected();
          if (run.stallAfter !== null && step === run.stallAfter) server.stall();
          await settled();
          if (lose.includes(step)) server.reset();
          await settled();
          opened.at(-1)?.connected();
        }
        for (let turn = 0; turn < 12; turn++) {
          opened.at(-1)?.connected();
          opened.at(-1)?.flow();
          await settled();
        }
        const failed = /"code":"(connection_lost|connect_failed)"/.test(client.sent);
        if (client.sent !== "" && !failed) throw new Error(client.sent);
        const got = opened.map((server) => (server.sent === "" ? null : parts(server.sent)));
        for (const one of got) {
          if (one === null) continue;
          expect(one.head).toMatch(new RegExp(`^${run.method} /up HTTP/1.1\r\n`));
          // What a server got is the body from its first byte on, without a gap.
          expect(body.toString("latin1").startsWith(one.body)).toBe(true);
        }
        if (failed) {
          // A request that may have been carried out is not repeated when its method forbids it.
          expect(opened.every((server) => server.destroyed)).toBe(true);
        } else {
          if (got.length > 1 && got.some((one, i) => i < got.length - 1 && one !== null && one.body !== "")) replayed++;
          expect(got.at(-1)).toMatchObject({ complete: true, body: body.toString("latin1") });
          expect(got.filter((one) => one?.complete === true && run.method === "POST").length).toBeLessThan(2);
          opened.at(-1)!.receive("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
          await settled();
          expect(client.sent).toMatch(/^HTTP\/1.1 200 .*ok$/s);
        }
        client.reset();
        await settled();
        for (const server of opened) if (!server.destroyed) server.reset();
        await settled();
        for (const slot of [0, 1, 2])
          expect([worker.scoreboard.inFlight(slot), worker.scoreboard.connections(slot)]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
    // Or the rest says nothing.
    expect(replayed).toBeGreaterThan(10);
  });
});

const toClient = fc.record({
  length: fc.oneof(fc.constant(0), lengths),
  framing: fc.constantFrom("length", "chunked", "close"),
  cuts: shares,
  chunks: shares,
  minor: fc.constantFrom(0, 1),
  stallAfter: fc.option(fc.nat(6)),
  flowAfter: fc.nat(12),
  filtered: fc.boolean(),
});

/** Sends the reads, and whatever else is due after each of them. */
async function relay(client: FakeSocket, server: FakeSocket, reads: Buffer[], stall: number | null, flow: number) {
  for (const [step, read] of reads.entries()) {
    if (step === stall) client.stall();
    if (step === flow) client.flow();
    server.receive(read);
    await settled();
  }
  client.flow();
  for (let turn = 0; turn < 12; turn++) await settled();
}

describe("an answer", () => {
  it("gives the client the same bytes in whatever pieces it comes", async () => {
    const routes = [{ pool: "web", filters: [{ headers: { response: { set: { "x-own": "yes" } } } }] }];
    await fc.assert(
      fc.asyncProperty(toClient, async (run) => {
        forgetOpened();
        const worker = testWorker();
        const proxy = new TestProxy(webConfig(["127.0.0.1:1"], {}, run.filtered ? { routes } : {}), undefined, worker);
        const client = proxy.connect();
        client.receive(`GET / HTTP/1.${run.minor}\r\nHost: a\r\n\r\n`);
        opened[0].connected();
        const body = bodyOf(run.length);
        const wire = run.framing === "chunked" ? chunked(cutAt(body, run.chunks)) : body;
        const line = {
          length: `Content-Length: ${body.length}\r\n`,
          chunked: "Transfer-Encoding: chunked\r\n",
          close: "",
        };
        const head = Buffer.from(`HTTP/1.1 200 OK\r\nX-Test: 1\r\n${line[run.framing as "length"]}\r\n`);
        await relay(client, opened[0], cutAt(Buffer.concat([head, wire]), run.cuts), run.stallAfter, run.flowAfter);
        if (run.framing === "close") opened[0].peerEnd();
        for (let turn = 0; turn < 4; turn++) await settled();
        const got = parts(client.sent);
        expect(got.complete).toBe(true);
        expect(got.body === body.toString("latin1")).toBe(true);
        expect(got.head).toContain("\r\nX-Test: 1\r\n");
        expect(got.head.includes("x-own: yes\r\n")).toBe(run.filtered);
        // Without a framing of its own the body ends with the connection.
        expect(client.ended).toBe(run.minor === 0);
        expect(opened).toHaveLength(1);
        expect(worker.scoreboard.inFlight(0)).toBe(0);
        client.reset();
        if (!opened[0].destroyed) opened[0].reset();
        await settled();
      }),
      { numRuns: 200 },
    );
  });

  it("that breaks off never looks complete", async () => {
    await fc.assert(
      fc.asyncProperty(toClient, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), async (run, share) => {
        forgetOpened();
        const proxy = new TestProxy(webConfig(["127.0.0.1:1"], { retries: { attempts: 0 } }));
        const client = proxy.connect();
        client.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        opened[0].connected();
        const body = bodyOf(run.length + 1);
        const framed = run.framing === "chunked";
        const wire = framed ? chunked(cutAt(body, run.chunks)) : body;
        const line = framed ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
        const whole = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${line}\r\n\r\n`), wire]);
        const sent = whole.subarray(0, Math.floor(share * whole.length));
        await relay(client, opened[0], cutAt(sent, run.cuts), run.stallAfter, run.flowAfter);
        opened[0].peerEnd();
        for (let turn = 0; turn < 4; turn++) await settled();
        const got = parts(client.sent);
        if (got.head.startsWith("HTTP/1.1 502 ")) expect(got.complete).toBe(true);
        else {
          expect(got.head).toMatch(/^HTTP\/1.1 200 /);
          expect(got.complete).toBe(false);
          expect(client.destroyed).toBe(true);
        }
        client.reset();
        await settled();
      }),
      { numRuns: 100 },
    );
  });
});
