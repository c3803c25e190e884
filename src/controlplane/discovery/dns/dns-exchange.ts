import { createSocket } from "node:dgram";
import { isIPv6, connect } from "node:net";
import { MAX_WRONG_ANSWERS } from "../limits.ts";
import type { ResolverAddress } from "./resolver-address.ts";

/** Over TCP: two bytes of length and as many bytes as they can say. What is beyond is no part of the answer. */
const LARGEST_MESSAGE = 2 + 65_535;

/** One question to one resolver. */
export interface ExchangeOptions<Result> {
  readonly resolver: ResolverAddress;
  readonly query: Buffer;
  /** ms after which the attempt is given up. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** Reads a message; undefined when it is not the answer. */
  accept(message: Buffer): Result | undefined;
}

/**
 * Sends a question as a datagram from a port of its own and waits for its answer. The socket is connected, so that the
 * kernel passes on only what comes from the resolver's address, and tells when nobody listens there.
 */
export function exchangeUdp<Result>(options: ExchangeOptions<Result>): Promise<Result> {
  const { resolver, query, timeout, signal, accept } = options;
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(resolver.host) ? "udp6" : "udp4");
    let wrong = 0;
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      socket.removeAllListeners();
      socket.on("error", () => undefined);
      socket.close();
      settle();
    };
    const fail = (reason: string) => end(() => reject(new Error(reason)));
    const aborted = () => fail("cancelled");
    const timer = setTimeout(() => fail(`no answer within ${timeout} ms`), timeout);
    signal.addEventListener("abort", aborted);
    socket.on("error", (error: NodeJS.ErrnoException) => fail(reasonOf(error)));
    socket.on("message", (message) => {
      const result = accept(message);
      if (result !== undefined) end(() => resolve(result));
      else if (++wrong >= MAX_WRONG_ANSWERS) fail("only messages that are no answer to the question");
    });
    // After `close` no callback of `connect` comes any more.
    socket.connect(resolver.port, resolver.host, () => socket.send(query));
    if (signal.aborted) aborted();
  });
}

/** Asks over a TCP connection of its own (RFC 7766), where an answer may have up to 65,535 bytes. */
export function exchangeTcp<Result>(options: ExchangeOptions<Result>): Promise<Result> {
  const { resolver, query, timeout, signal, accept } = options;
  return new Promise((resolve, reject) => {
    const socket = connect(resolver.port, resolver.host);
    const received = Buffer.allocUnsafe(LARGEST_MESSAGE);
    let filled = 0;
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      socket.removeAllListeners();
      socket.on("error", () => undefined);
      socket.destroy();
      settle();
    };
    const fail = (reason: string) => end(() => reject(new Error(reason)));
    const aborted = () => fail("cancelled");
    const timer = setTimeout(() => fail(`no answer within ${timeout} ms (TCP)`), timeout);
    signal.addEventListener("abort", aborted);
    socket.on("error", (error: NodeJS.ErrnoException) => fail(`${reasonOf(error)} (TCP)`));
    socket.on("close", () => fail("closed without an answer (TCP)"));
    socket.on("connect", () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length);
      socket.write(Buffer.concat([length, query]));
    });
    socket.on("data", (chunk: Buffer) => {
      filled += chunk.copy(received, filled);
      if (filled < 2) return;
      const length = received.readUInt16BE(0);
      if (filled < 2 + length) return;
      const result = accept(received.subarray(2, 2 + length));
      if (result === undefined) fail("not an answer to the question (TCP)");
      else end(() => resolve(result));
    });
    if (signal.aborted) aborted();
  });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ECONNREFUSED") return "nobody listens there";
  return error.code === undefined ? error.message : `${error.code}`;
}
