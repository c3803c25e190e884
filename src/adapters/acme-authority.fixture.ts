import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { TestAuthority } from "../../test/support/certificates.ts";
import { atEnd } from "../../test/support/cleanup.ts";
import type { Account } from "../controlplane/acme/authority.ts";
import { AcmeAuthority } from "./acme-authority.ts";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Somebody whom no authority knows yet. */
export const account: Account = {
  key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  url: null,
  email: null,
  external: null,
};

export const PROBLEM = { "content-type": "application/problem+json" };

/** A problem document of ACME's (RFC 8555 6.7). */
export function problem(type: string, more: object = {}): string {
  return JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail: "told so", ...more });
}

/** An answer with JSON. */
export function json(body: object, headers: Readonly<Record<string, string>> = {}): Reply {
  return { headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

/** A signed request as the server got it. */
export interface Signed {
  readonly path: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: unknown;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A scripted authority: a directory, nonces, accounts, and for other paths what the test says. */
export async function startAuthority(
  answers: Readonly<Record<string, (request: Signed) => Reply>> = {},
  directory: object = {},
) {
  const requests: Signed[] = [];
  const counts: Record<string, number> = {};
  const agents = new Set<unknown>();
  let nonces = 0;
  const certificate = await (await TestAuthority.create()).issue({ names: ["127.0.0.1"] });
  const server = createServer({ cert: certificate.chain, key: certificate.key });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const standard: Record<string, (request: Signed) => Reply> = {
    "/dir": () => ({
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        newNonce: `${origin}/nonce`,
        newAccount: `${origin}/account`,
        newOrder: `${origin}/order`,
        ...JSON.parse(JSON.stringify(directory).replaceAll("ORIGIN", origin)),
      }),
    }),
    "/nonce": () => ({}),
    "/account": () => ({ status: 201, headers: { location: `${origin}/account/7` } }),
    "/order": () => ({
      status: 201,
      headers: { location: `${origin}/order/1`, "content-type": "application/json" },
      body: JSON.stringify({ status: "pending", authorizations: [`${origin}/authorization`], finalize: `${origin}/f` }),
    }),
    ...answers,
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = "";
    for await (const part of request.setEncoding("utf8")) text += part as string;
    agents.add(request.headers["user-agent"]);
    const path = request.url!;
    counts[path] = (counts[path] ?? 0) + 1;
    const body = (text === "" ? {} : JSON.parse(text)) as { protected?: string; payload?: string };
    const signed = { path, header: (decode(body.protected) ?? {}) as Signed["header"], payload: decode(body.payload) };
    if (request.method === "POST") requests.push(signed);
    const { status = 200, headers, body: answer } = (standard[path] ?? (() => ({ status: 404 })))(signed);
    response.writeHead(status, { "replay-nonce": `nonce-${++nonces}`, ...headers }).end(answer);
  };
  server.on("request", (request, response) => void serve(request, response));
  const authority = new AcmeAuthority("evenkeel/test");
  const ending = new AbortController();
  atEnd(() => {
    ending.abort(new Error("the test has ended"));
    authority.close();
    server.closeAllConnections();
    server.close();
  });
  const address = { directory: `${origin}/dir`, ca: [certificate.root] };
  const open = (own: Parameters<AcmeAuthority["open"]>[1] = account) => authority.open(address, own, ending.signal);
  return { authority, address, open, requests, counts, agents, ending, origin };
}

/** The JSON in a part of a signed request; null for an empty one. */
function decode(part = ""): unknown {
  return part === "" ? null : JSON.parse(Buffer.from(part, "base64url").toString());
}
