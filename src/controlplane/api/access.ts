import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { isLoopback, type Address } from "../../config/address.ts";
import { sendProblem } from "./problem-details.ts";

/** Paths that probes of an orchestrator ask without a token; they give nothing away. */
const open = new Set(["/healthz", "/readyz"]);

/** Who may ask. With a token everybody needs it; without one the address must be this machine's own. */
export interface AccessRules {
  readonly address: Address;
  readonly token: string | undefined;
}

/**
 * Guards every route. On loopback the Host field must name loopback as well: a page in the operator's browser whose
 * name was rebound to 127.0.0.1 still sends its own name (DNS rebinding). A request with Origin comes from a page of
 * another site, which has no business here.
 */
export function guard(server: FastifyInstance, { address, token }: AccessRules): void {
  const expected = token === undefined ? undefined : digest(token);
  const checkHost = address.kind === "tcp" && isLoopback(address);

  server.addHook("onRequest", (request, reply, done) => {
    void reply.headers({
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-resource-policy": "same-origin",
    });
    if (checkHost && !namesLoopback(request.headers.host)) {
      sendProblem(reply, 421, "wrong_host", "The Host field does not name this machine.");
      return;
    }
    if (request.headers.origin !== undefined) {
      sendProblem(reply, 403, "cross_origin", "Requests from web pages are refused.");
      return;
    }
    const path = request.url.split("?", 1)[0]!;
    if (expected !== undefined && !open.has(path) && !hasToken(request.headers.authorization, expected)) {
      void reply.header("www-authenticate", 'Bearer realm="evenkeel"');
      sendProblem(reply, 401, "unauthorised", "A valid bearer token is required.");
      return;
    }
    done();
  });
}

/** Both sides are hashed first, so that neither the content nor the length shows in the time that it takes. */
function hasToken(header: string | undefined, expected: Buffer): boolean {
  const match = /^Bearer +(\S+) *$/i.exec(header ?? "");
  return match !== null && timingSafeEqual(digest(match[1]!), expected);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function namesLoopback(host: string | undefined): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(host ?? "");
  if (match === null) return false;
  return isLoopback({ kind: "tcp", host: (match[1] ?? match[2]!).toLowerCase(), port: 0 });
}
