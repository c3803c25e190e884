import type { Client, ClientOptions } from "acme-client";

/** An answer as acme-client passes it on. */
export interface ClientReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly data: unknown;
}

/**
 * The parts of acme-client's `Client` that are used here. Its own methods hide what the answers' fields say (Retry-After, types
 * of problems), have no room for RFC 9773, and send with neither time limit nor own CA; its parts below do the protocol and leave
 * both to us.
 */
export interface ClientParts {
  readonly http: {
    request(url: string, method: string, options?: { data?: unknown }): Promise<ClientReply>;
    getNonce(): Promise<string>;
    getDirectory(): Promise<unknown>;
    maxBadNonceRetries: number;
  };
  readonly api: {
    accountUrl: string | null;
    createAccount(data: object): Promise<ClientReply>;
    createOrder(data: object): Promise<ClientReply>;
    getOrder(url: string): Promise<ClientReply>;
    getAuthorization(url: string): Promise<ClientReply>;
    completeChallenge(url: string, data: object): Promise<ClientReply>;
    finalizeOrder(url: string, data: object): Promise<ClientReply>;
    apiRequest(url: string, payload: null, statuses: readonly number[]): Promise<ClientReply>;
  };
  getChallengeKeyAuthorization: Client["getChallengeKeyAuthorization"];
}

/** A client with its parts. The package is loaded with the first one: that takes two tenths of a second. */
export async function createClient(options: ClientOptions): Promise<ClientParts> {
  const { Client: ClientClass } = await import("acme-client");
  const client = new ClientClass(options) as unknown as ClientParts;
  const { http, api } = client as Partial<ClientParts>;
  if (
    typeof http?.request !== "function" ||
    typeof http.getNonce !== "function" ||
    typeof api?.apiRequest !== "function"
  )
    throw new Error("this version of acme-client is not one that Evenkeel works with");
  return client;
}
