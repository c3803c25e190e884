import type { AuthoritySession, Authorization, Challenge, Order, OrderStatus } from "../controlplane/acme/authority.ts";
import { asFields, asList, problemText, retryAfterOf, textOf } from "./acme-answer.ts";
import type { ClientParts, ClientReply } from "./acme-client-parts.ts";
import { failed, oneLine } from "./acme-http.ts";

/** What a token may be (RFC 8555 8.3): it becomes part of a path and a key of a table. */
const TOKEN = /^[\w-]{1,200}$/;

/** An account's dealings with its authority, by acme-client's protocol parts. */
export class AcmeSession implements AuthoritySession {
  readonly account: string;
  readonly #client: ClientParts;

  constructor(client: ClientParts, account: string) {
    this.#client = client;
    this.account = account;
  }

  async newOrder(names: readonly string[], replaces: string | null): Promise<Order> {
    const directory = asFields(await this.#client.http.getDirectory());
    const reply = await this.#client.api.createOrder({
      identifiers: names.map((value) => ({ type: "dns", value })),
      ...(replaces !== null && "renewalInfo" in directory && { replaces }),
    });
    return orderOf(textOf(single(reply, "location"), "URL of the order"), reply);
  }

  async order(url: string): Promise<Order> {
    return orderOf(url, await this.#client.api.getOrder(url));
  }

  async authorization(url: string): Promise<Authorization> {
    const reply = await this.#client.api.getAuthorization(url);
    const { identifier, status, challenges } = asFields(reply.data);
    const entries = asList(challenges).map(asFields);
    const failure = entries.map(({ error }) => problemText(error)).find((text) => text !== null);
    return {
      name: textOf(asFields(identifier)["value"], "name"),
      status: textOf(status, "status of the authorization") as Authorization["status"],
      challenges: entries.flatMap(challengeOf),
      problem: failure === undefined ? null : oneLine(failure),
      retryAfter: retryAfterOf(single(reply, "retry-after")),
    };
  }

  keyAuthorization(token: string): Promise<string> {
    return this.#client.getChallengeKeyAuthorization({ type: "http-01", url: "", status: "pending", token });
  }

  async respond(challengeUrl: string): Promise<void> {
    await this.#client.api.completeChallenge(challengeUrl, {});
  }

  async finalize(order: Order, csr: Uint8Array): Promise<Order> {
    const data = { csr: Buffer.from(csr).toString("base64url") };
    return orderOf(order.url, await this.#client.api.finalizeOrder(order.finalize, data));
  }

  async certificate(url: string): Promise<string> {
    const { data } = await this.#client.api.apiRequest(url, null, [200]);
    return textOf(data, "certificate");
  }
}

function orderOf(url: string, reply: ClientReply): Order {
  const { status, authorizations, finalize, certificate, error } = asFields(reply.data);
  const problem = problemText(error);
  return {
    url,
    status: textOf(status, "status of the order") as OrderStatus,
    authorizations: asList(authorizations).map((entry) => textOf(entry, "URL of an authorization")),
    finalize: textOf(finalize, "URL to finalize the order"),
    certificate: typeof certificate === "string" ? certificate : null,
    problem: problem === null ? null : oneLine(problem),
    retryAfter: retryAfterOf(single(reply, "retry-after")),
  };
}

/** Challenges of other kinds may have other fields, and are left out. */
function challengeOf({ type, url, token }: Readonly<Record<string, unknown>>): Challenge[] {
  if (typeof type !== "string" || typeof url !== "string" || typeof token !== "string") return [];
  if (!TOKEN.test(token))
    throw failed("refused", `the authority's ${oneLine(type)} challenge has a token that is none`);
  return [{ type, url, token }];
}

function single({ headers }: ClientReply, name: string): string | undefined {
  const field = headers[name];
  return Array.isArray(field) ? field[0] : field;
}
