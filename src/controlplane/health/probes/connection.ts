import { connect as connectSocket, type Socket } from "node:net";
import { connectVerdict } from "../../../core/health/connect-failure.ts";
import type { ProbeAddress, ProbeContext, ProbeResult, ProbeTarget } from "../../../core/health/probe.ts";
import { inWords, unhealthy, unreachable } from "./outcome.ts";

/** What a check says and hears over its connection. The first result that one of these returns ends the check. */
export interface Dialogue {
  /** Connected; over TLS, with the handshake done. */
  start(socket: Socket): ProbeResult | undefined;
  /** Bytes from the server. */
  data(chunk: Buffer, socket: Socket): ProbeResult | undefined;
  /** The server has closed the connection in good order while something was still missing. */
  end(): ProbeResult;
  /** What is being waited for, for the reason when the time is over: `the answer`. */
  readonly awaited: string;
}

/** Begins a connection. `ready` is the event after which the dialogue starts. */
export type Connect = (address: ProbeAddress) => {
  readonly socket: Socket;
  readonly ready: "connect" | "secureConnect";
};

/** A plain connection over TCP or a unix socket. */
export const connectPlain: Connect = (address) => ({
  socket: connectSocket(address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port }),
  ready: "connect",
});

/**
 * Makes a check over a connection of its own, which is closed whatever happens. Rejects with an Error when the
 * connection cannot be made for reasons of this machine, such as too few file descriptors.
 */
export function converse(
  target: ProbeTarget,
  context: ProbeContext,
  dialogue: Dialogue,
  connect: Connect = connectPlain,
): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const { signal } = context;
    if (signal.aborted) {
      resolve(unhealthy("the time was over before the check began"));
      return;
    }
    const { socket, ready } = connect(target.address);
    let connected = false;
    let started = false;
    let settled = false;
    const close = (): boolean => {
      if (settled) return false;
      settled = true;
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      return true;
    };
    const settle = (result: ProbeResult | undefined): void => {
      if (result !== undefined && close()) resolve(result);
    };
    const guard = (step: () => ProbeResult | undefined): void => {
      if (settled) return;
      try {
        settle(step());
      } catch (error) {
        if (close()) reject(error as Error);
      }
    };
    const onAbort = (): void => {
      const time = inWords(context.timeout);
      if (!connected) settle(unreachable(`no connection within ${time}`));
      else settle(unhealthy(`no ${started ? dialogue.awaited : "TLS handshake"} within ${time}`));
    };
    signal.addEventListener("abort", onAbort);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (!connected && isLocal(error)) {
        if (close()) reject(new Error(`the check could not be made: ${errorText(error)}`));
      } else if (!connected) settle(connectFailure(error));
      else settle(unhealthy(started ? `connection lost: ${errorText(error)}` : handshakeFailure(error)));
    });
    socket.on("connect", () => (connected = true));
    socket.once(ready, () => {
      started = true;
      guard(() => dialogue.start(socket));
    });
    socket.on("data", (chunk: Buffer) => guard(() => dialogue.data(chunk, socket)));
    const onEnd = (): void => {
      guard(() => (started ? dialogue.end() : unhealthy("the server closed the connection in the TLS handshake")));
    };
    socket.once("end", onEnd);
    socket.once("close", onEnd);
  });
}

/** Failures to find a server's address that are about this machine or its resolver. */
const RESOLVER = new Set(["EAI_AGAIN", "EAI_MEMORY", "EAI_FAIL"]);

/** What codes mean, in words. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["EHOSTUNREACH", "no route to the server"],
  ["ENETUNREACH", "no route to the server's network"],
  ["EHOSTDOWN", "the server's machine is down"],
  ["ENETDOWN", "the network is down"],
  ["ETIMEDOUT", "no connection in time"],
  ["ENOENT", "the unix socket does not exist"],
  ["ENOTFOUND", "the server's name is unknown"],
]);

/** True for failures that are this machine's own: they say nothing about the server. */
export function isLocal({ code }: NodeJS.ErrnoException): boolean {
  return connectVerdict(code) === "local" || RESOLVER.has(code ?? "");
}

/** The result for a connection that could not be made. */
export function connectFailure(error: NodeJS.ErrnoException): ProbeResult {
  const { code } = error;
  const words = WORDS.get(code ?? "") ?? `cannot connect: ${errorText(error)}`;
  return connectVerdict(code) === "unreachable" || code === "ENOTFOUND" ? unreachable(words) : unhealthy(words);
}

/** `reset by the server`, or the error's own message. */
export function errorText(error: NodeJS.ErrnoException): string {
  if (error.code === "ECONNRESET" || error.code === "EPIPE") return "reset by the server";
  return error.message || (error.code ?? "unknown error");
}

function handshakeFailure(error: NodeJS.ErrnoException): string {
  // OpenSSL's message has addresses, file names and line numbers around the reason.
  const reason = (error as { reason?: unknown }).reason;
  return `TLS handshake failed: ${typeof reason === "string" ? reason : errorText(error)}`;
}
