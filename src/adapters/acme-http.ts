import type { IncomingHttpHeaders } from "node:http";
import { Agent, request } from "node:https";
import { getCACertificates } from "node:tls";
import type { AuthorityFailure } from "../controlplane/acme/authority.ts";

/** Time for one request with its answer, in ms. */
const REQUEST_TIMEOUT = 30_000;
/** Longest answer in bytes. A chain of certificates has some kilobytes; long lists are not asked for. */
const MAX_ANSWER = 256 * 1024;
/** Connections at one time to one authority. */
const MAX_CONNECTIONS = 4;
/** Longest text of an authority's that goes into a message, in characters. */
const MAX_DETAIL = 300;

export interface AcmeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** HTTPS to one authority: with its own CAs besides the public ones, and bounded in time and size. Follows no redirection. */
export class AcmeHttp {
  readonly #agent: Agent;
  readonly #userAgent: string;
  readonly #signal: AbortSignal;
  readonly #timeout: number;

  /**
   * @param ca PEM: who may have issued the authority's certificate, besides the public ones
   * @param signal ends everything
   * @param timeout for one request with its answer, in ms
   */
  constructor(ca: readonly string[], userAgent: string, signal: AbortSignal, timeout = REQUEST_TIMEOUT) {
    const authorities = ca.length === 0 ? {} : { ca: [...getCACertificates("default"), ...ca] };
    this.#agent = new Agent({ ...authorities, keepAlive: true, maxSockets: MAX_CONNECTIONS });
    this.#userAgent = userAgent;
    this.#signal = signal;
    this.#timeout = timeout;
  }

  /** True when nothing is to be sent any more. */
  get ended(): boolean {
    return this.#signal.aborted;
  }

  /** Rejects with an AuthorityFailure when there is no answer, and with the signal's reason when that has fired. */
  send(url: string, method: string, body?: string): Promise<AcmeAnswer> {
    const target = URL.parse(url);
    if (target?.protocol !== "https:") return Promise.reject(failed("refused", `${url} is no https URL`));
    const timeout = AbortSignal.timeout(this.#timeout);
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        if (this.#signal.aborted) return reject(this.#signal.reason);
        const reason = timeout.aborted ? `no answer within ${this.#timeout / 1000} s` : reasonOf(error);
        reject(failed("unreachable", `${target.host}: ${reason}`));
      };
      const headers = {
        "user-agent": this.#userAgent,
        "accept-language": "en",
        ...(body !== undefined && {
          "content-type": "application/jose+json",
          "content-length": Buffer.byteLength(body),
        }),
      };
      const signal = AbortSignal.any([timeout, this.#signal]);
      const outgoing = request(target, { method, agent: this.#agent, headers, signal }, (answer) => {
        const parts: Buffer[] = [];
        let size = 0;
        answer.on("data", (part: Buffer) => {
          size += part.length;
          if (size <= MAX_ANSWER) parts.push(part);
          else answer.destroy(new Error(`its answer has more than ${MAX_ANSWER} bytes`));
        });
        answer.on("error", fail);
        answer.on("end", () => {
          resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(parts).toString() });
        });
      });
      outgoing.on("error", fail);
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** An AuthorityFailure. What the authority wrote is cut and kept to one line. */
export function failed(
  failure: AuthorityFailure["failure"],
  message: string,
  problem: string | null = null,
  retryAfter: number | null = null,
): AuthorityFailure {
  return Object.assign(new Error(oneLine(message)), { failure, problem, retryAfter });
}

/** Text of an authority's for a message. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters have no place in a log
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL)}…` : line;
}

function reasonOf(error: Error & { code?: string; errors?: unknown }): string {
  // A name with several addresses: each has its own error, and the whole has no message.
  const first: unknown = Array.isArray(error.errors) ? error.errors[0] : undefined;
  const message = first instanceof Error ? first.message : error.message;
  return message === "" ? (error.code ?? "no connection") : message;
}
