import { createSocket, type Socket } from "node:dgram";
import { isIP } from "node:net";
import type { ProbeContext, ProbeResult, ProbeTarget } from "../../../core/health/probe.ts";
import { connectFailure, isLocal } from "./connection.ts";
import { unhealthy } from "./outcome.ts";

/** What a check says and hears over UDP. */
export interface DatagramDialogue {
  readonly sent: Uint8Array;
  /** An answer from the server. Undefined when it is none to this question. */
  answer(message: Buffer): ProbeResult | undefined;
  /** The time is over. */
  silence(): ProbeResult;
  /** Milliseconds after which silence is the result; the whole time of the check by default. */
  readonly patience?: number;
  /** How often the question is sent again, evenly over the time: datagrams get lost. */
  readonly repetitions: number;
}

/**
 * Asks over UDP, from a port of its own that only hears the server. A port where nothing listens shows as refused, if
 * the server's machine says so (ICMP). Rejects for failures of this machine.
 */
export function askByDatagram(
  target: ProbeTarget,
  context: ProbeContext,
  dialogue: DatagramDialogue,
): Promise<ProbeResult> {
  const { address } = target;
  if (address.kind === "unix") return Promise.reject(new Error("a unix socket cannot be checked over UDP"));
  const { signal } = context;
  if (signal.aborted) return Promise.resolve(dialogue.silence());
  return new Promise((resolve, reject) => {
    const socket: Socket = createSocket(isIP(address.host) === 6 ? "udp6" : "udp4");
    const timers: NodeJS.Timeout[] = [];
    let settled = false;
    const close = (): boolean => {
      if (settled) return false;
      settled = true;
      signal.removeEventListener("abort", onSilence);
      for (const timer of timers) clearTimeout(timer);
      socket.close();
      return true;
    };
    const settle = (result: ProbeResult | undefined): void => {
      if (result !== undefined && close()) resolve(result);
    };
    const onSilence = (): void => settle(dialogue.silence());
    const onError = (error: NodeJS.ErrnoException): void => {
      if (isLocal(error)) {
        if (close()) reject(new Error(`the check could not be made: ${error.message}`));
      } else settle(connectFailure(error));
    };
    signal.addEventListener("abort", onSilence);
    socket.on("error", onError);
    socket.on("message", (message) => {
      try {
        settle(dialogue.answer(message));
      } catch {
        settle(unhealthy("an answer that cannot be read"));
      }
    });
    socket.connect(address.port, address.host, () => {
      if (settled) return;
      const send = (): void => {
        if (!settled) socket.send(dialogue.sent, (error) => error !== null && onError(error));
      };
      send();
      const { patience, repetitions } = dialogue;
      const time = patience ?? context.timeout;
      for (let turn = 1; turn <= repetitions; turn++) timers.push(setTimeout(send, (time * turn) / (repetitions + 1)));
      if (patience !== undefined) timers.push(setTimeout(onSilence, patience));
    });
  });
}
