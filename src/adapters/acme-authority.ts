import { setTimeout as wait } from "node:timers/promises";
import type {
  Account,
  Authority,
  AuthorityAddress,
  AuthoritySession,
  RenewalInfo,
} from "../controlplane/acme/authority.ts";
import { asFields, bodyOf, failureOf, isBadNonce, retryAfterOf, textOf } from "./acme-answer.ts";
import { createClient, type ClientParts, type ClientReply } from "./acme-client-parts.ts";
import { AcmeHttp, failed } from "./acme-http.ts";
import { AcmeSession } from "./acme-session.ts";

/** How often one request is sent again because its nonce was refused. */
const MAX_NONCE_RETRIES = 20;
/** Questions that change nothing are asked again so often when there is no answer, after so many ms. */
const READ_RETRY_DELAYS = [500, 2000];
/** Nonces that came with answers and wait for their use. */
const MAX_NONCES = 8;

/** Certificate authorities over the network: acme-client speaks the protocol, `AcmeHttp` carries it. */
export class AcmeAuthority implements Authority {
  readonly #userAgent: string;
  readonly #open = new Set<AcmeHttp>();

  /** @param userAgent name and version of the program (RFC 8555 6.1) */
  constructor(userAgent: string) {
    this.#userAgent = userAgent;
  }

  async open(address: AuthorityAddress, account: Account, signal: AbortSignal): Promise<AuthoritySession> {
    const http = this.#connect(address, signal);
    const client = await createClient({
      directoryUrl: address.directory,
      accountKey: account.key,
      ...(account.url !== null && { accountUrl: account.url }),
      ...(account.external !== null && {
        externalAccountBinding: { kid: account.external.keyId, hmacKey: account.external.hmacKey },
      }),
    });
    carry(client, http);
    await client.http.getDirectory();
    const contact = account.email === null ? {} : { contact: [`mailto:${account.email}`] };
    if (account.url === null) await client.api.createAccount({ termsOfServiceAgreed: true, ...contact });
    return new AcmeSession(client, textOf(client.api.accountUrl, "URL of the account"));
  }

  async renewalInfo(address: AuthorityAddress, id: string, signal: AbortSignal): Promise<RenewalInfo | null> {
    const http = this.#connect(address, signal);
    const { renewalInfo } = asFields((await read(http, address.directory)).data);
    if (typeof renewalInfo !== "string") return null;
    const { data, headers } = await read(http, `${renewalInfo.replace(/\/$/, "")}/${id}`);
    const { suggestedWindow, explanationURL } = asFields(data);
    const { start, end } = asFields(suggestedWindow);
    const times = [start, end].map((time) => (typeof time === "string" ? Date.parse(time) : Number.NaN));
    if (times.some(Number.isNaN)) throw failed("unreachable", "the renewal information has no window");
    return {
      start: times[0],
      end: times[1],
      explanation: typeof explanationURL === "string" && /^https?:/.test(explanationURL) ? explanationURL : null,
      retryAfter: retryAfterOf(single(headers["retry-after"])),
    };
  }

  close(): void {
    for (const http of this.#open) http.close();
    this.#open.clear();
  }

  /** Connections for one purpose; they end with the signal. */
  #connect(address: AuthorityAddress, signal: AbortSignal): AcmeHttp {
    const http = new AcmeHttp(address.ca, this.#userAgent, signal);
    this.#open.add(http);
    signal.addEventListener("abort", () => (http.close(), this.#open.delete(http)), { once: true });
    return http;
  }
}

/** Lets the client send with `http`, and use the nonces that answers bring instead of asking for each. */
function carry({ http: part }: ClientParts, http: AcmeHttp): void {
  const nonces: string[] = [];
  const fetchNonce = part.getNonce.bind(part);
  part.maxBadNonceRetries = MAX_NONCE_RETRIES;
  part.getNonce = async () => nonces.pop() ?? (await fetchNonce());
  part.request = async (url, method, options) => {
    if (method !== "post") return read(http, url, method);
    const reply = await exchange(http, url, "POST", JSON.stringify(options?.data ?? null));
    const nonce = single(reply.headers["replay-nonce"]);
    // The client takes that of a refusal by itself.
    if (nonce !== undefined && reply.status < 400 && nonces.length < MAX_NONCES) nonces.push(nonce);
    return reply;
  };
}

/** A question that changes nothing, asked again when there was no answer. */
async function read(http: AcmeHttp, url: string, method = "get"): Promise<ClientReply> {
  for (const delay of READ_RETRY_DELAYS) {
    try {
      return await exchange(http, url, method.toUpperCase());
    } catch (error) {
      if (http.ended || (error as { failure?: unknown }).failure !== "unreachable") throw error;
      await wait(delay);
    }
  }
  return exchange(http, url, method.toUpperCase());
}

/** One request; rejects with an AuthorityFailure for an answer that says no, other than one about its nonce. */
async function exchange(http: AcmeHttp, url: string, method: string, body?: string): Promise<ClientReply> {
  const answer = await http.send(url, method, body);
  const data = bodyOf(answer);
  if (answer.status >= 300 && !isBadNonce(answer.status, data)) throw failureOf(url, answer, data);
  return { status: answer.status, headers: answer.headers, data };
}

/** A field of an answer that is there once. */
function single(field: string | string[] | undefined): string | undefined {
  return Array.isArray(field) ? field[0] : field;
}
