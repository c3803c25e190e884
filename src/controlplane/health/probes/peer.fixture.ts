import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { onTestFinished } from "vitest";
import { normaliseConfig } from "../../../config/normalise.ts";
import { algorithms } from "../../../core/balancing/registry.ts";
import type { Clock } from "../../../core/clock.ts";
import type { ProbeContext, ProbeResult, ProbeTarget } from "../../../core/health/probe.ts";
import { certificate, key } from "./certificate.fixture.ts";
import { probes } from "./registry.ts";

/** What a server of a test does with each connection. */
export type Script = (socket: Socket, received: () => Buffer) => unknown;

/** A server that follows a script. It is closed when the test ends. */
export interface Peer {
  readonly port: number;
  /** Everything that came, over all connections. */
  readonly text: () => string;
  readonly connections: () => number;
  /** Connections that are open. */
  readonly open: () => number;
  readonly close: () => Promise<void>;
}

/** Starts a server on 127.0.0.1. `script` is called for each connection (over TLS after the handshake). */
export async function startPeer(
  script: Script,
  options: { tls?: boolean; alpn?: string[]; cert?: string } = {},
): Promise<Peer> {
  let text = "";
  let connections = 0;
  const sockets = new Set<Socket>();
  const accept = (socket: Socket): void => {
    let received = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (data: Buffer) => {
      received = Buffer.concat([received, data]);
      text += data.toString("latin1");
    });
    script(socket, () => received);
  };
  const server: Server = options.tls
    ? createTlsServer(
        { cert: options.cert ?? certificate, key, ALPNProtocols: options.alpn ?? ["h2", "http/1.1"] },
        accept,
      )
    : createServer(accept);
  server.on("tlsClientError", () => undefined);
  server.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  return {
    port: (server.address() as AddressInfo).port,
    text: () => text,
    connections: () => connections,
    open: () => sockets.size,
    close,
  };
}

/** Answers each connection at once. */
export const saying =
  (text: string | Buffer): Script =>
  (socket) =>
    void socket.write(text);

/** Answers after the first bytes have come. */
export const answering =
  (text: string | Buffer): Script =>
  (socket) =>
    void socket.once("data", () => socket.write(text));

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const peer = await startPeer(() => undefined);
  await peer.close();
  return peer.port;
}

export const on = (port: number, host = "127.0.0.1"): ProbeTarget => ({
  address: { kind: "tcp", host, port },
  server: "a",
  pool: "web",
});

/** 2030-01-01: before the certificate of these tests expires. */
export const testClock: Clock = { now: () => 0, wall: () => Date.UTC(2030, 0, 1) };

export function contextFor(signal: AbortSignal, timeout = 5000, clock = testClock): ProbeContext {
  return { timeout, signal, clock };
}

/** The settings that the program makes of `healthCheck`; the messages when it does not. */
export function settingsOf(check: object): {
  readonly settings: Readonly<Record<string, unknown>> | undefined;
  readonly problems: string[];
} {
  const result = normaliseConfig(
    {
      listeners: { web: { listen: "127.0.0.1:80", pool: "web" } },
      pools: { web: { servers: ["127.0.0.1:1"], healthCheck: check as { type: string } } },
    },
    { extensions: { algorithms, filters: [], probes } },
  );
  return {
    settings: result.config?.pools.web?.healthCheck[0]?.settings,
    problems: result.problems.map(({ message }) => message),
  };
}

/**
 * Makes a check as the program would, with the settings as people write them.
 *
 * @param timeout milliseconds after which the check is over
 */
export async function check(
  given: { readonly type: string } & Record<string, unknown>,
  target: ProbeTarget,
  timeout = 5000,
  clock = testClock,
): Promise<ProbeResult> {
  const { settings, problems } = settingsOf(given);
  if (settings === undefined) throw new Error(problems.join("\n"));
  const probe = probes.find(({ name }) => name === given.type)!;
  return probe.run(target, settings, contextFor(AbortSignal.timeout(timeout), timeout, clock));
}

/** Waits until the condition holds; fails after 5 s. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`still not so: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
