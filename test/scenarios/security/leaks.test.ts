import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { expect, it } from "vitest";
import { atEnd } from "../../support/cleanup.ts";
import { Load } from "../../support/load.ts";
import { openDescriptors, residentBytes } from "../../support/process-usage.ts";
import { startProxy, waitForQuiet } from "../../support/proxy.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const MIB = 1024 * 1024;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A server that by turns refuses connections, answers, resets, and accepts without a word, a tenth of a second each. */
class Flapping {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #turn = 0;
  port = 0;

  async start(turn: number): Promise<void> {
    this.#turn = turn;
    await this.#listen();
    const timer = setInterval(() => void this.#next(), 100);
    atEnd(() => {
      clearInterval(timer);
      this.#close();
    });
  }

  #next(): unknown {
    this.#turn = (this.#turn + 1) % 4;
    if (this.#turn === 0) return this.#close();
    return this.#server === undefined ? this.#listen() : undefined;
  }

  #close(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #listen(): Promise<void> {
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("data", () => {
        if (this.#turn === 1) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        if (this.#turn === 2) socket.resetAndDestroy();
      });
    });
    this.#server = server;
    server.on("error", () => undefined);
    return new Promise((resolve) => {
      server.listen(this.port, "127.0.0.1", () => {
        this.port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  }
}

it(
  "servers that come and go leave nothing behind: no descriptors, no memory, no requests in flight",
  { timeout: 40_000 },
  async () => {
    const steady = await startRawOrigin();
    const flapping = [0, 1, 2, 3].map(() => new Flapping());
    for (const [turn, server] of flapping.entries()) await server.start(turn);
    const often = { interval: 100, unhealthyInterval: 100, unknownInterval: 100, timeout: 200, jitter: 0 };
    const evenkeel = await startProxy([steady.address, ...flapping.map(({ port }) => `127.0.0.1:${port}`)], {
      workers: 2,
      pool: {
        healthCheck: [
          { type: "tcp", ...often },
          { type: "http", path: "/health", ...often },
        ],
        outlierDetection: { ejectionTime: "200ms", maxEjectionTime: "500ms", consecutiveErrors: 2, maxEjected: "80%" },
        circuitBreaker: { recoveryTimeout: "200ms" },
        retries: { tryTimeout: "150ms", minRetriesPerSecond: 1000 },
        hedging: {},
        queue: { timeout: "200ms" },
        adaptiveConcurrency: {},
        slowStart: "1s",
      },
      upstream: { connectTimeout: "200ms", responseTimeout: "500ms" },
    });
    const load = new Load(evenkeel.port(), { clients: 16, request: () => GET, fresh: (client) => client % 2 === 0 });
    await wait(3000);
    const [files, memory] = [openDescriptors(evenkeel.pid), residentBytes(evenkeel.pid)];
    let mostFiles = 0;
    for (let i = 0; i < 12; i++) {
      await wait(400);
      mostFiles = Math.max(mostFiles, openDescriptors(evenkeel.pid));
    }
    await load.stop();
    expect(mostFiles).toBeLessThan(files + 80);
    expect(residentBytes(evenkeel.pid) - memory).toBeLessThan(80 * MIB);
    await waitForQuiet(evenkeel);
    await waitFor("descriptors to be given back", () => openDescriptors(evenkeel.pid) < files + 20);
    expect(await evenkeel.admin("/api/v2/status")).toMatchObject({ workers: [{ restarts: 0 }, { restarts: 0 }] });
    expect(evenkeel.log.filter((line) => / error /.test(line))).toEqual([]);
    // The log is bounded, however much happens: 30 changes at once and 5 a second, and a failed connect per server and second.
    expect(evenkeel.log.length).toBeLessThan(30 + 20 * (5 + 4));
  },
);
