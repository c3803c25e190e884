import type { AuthorityFailure } from "../controlplane/acme/authority.ts";
import { failed, type AcmeAnswer } from "./acme-http.ts";

const PROBLEM_PREFIX = "urn:ietf:params:acme:error:";

/** Most of a list in an answer that is looked at: names in an order, challenges of a name, parts of a problem. */
export const MAX_ENTRIES = 1000;
const SHOWN_SUBPROBLEMS = 3;

type Fields = Readonly<Record<string, unknown>>;

export function asFields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, MAX_ENTRIES) : [];
}

/** A field that has to be a text; rejects the answer when it is not. */
export function textOf(value: unknown, what: string): string {
  if (typeof value !== "string" || value === "") throw failed("unreachable", `the authority's answer has no ${what}`);
  return value;
}

/** The answer's JSON, or its text when it is of another type. Throws an AuthorityFailure for JSON that is none. */
export function bodyOf({ headers, body }: AcmeAnswer): unknown {
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(headers["content-type"] ?? "")) return body;
  try {
    return JSON.parse(body);
  } catch {
    throw failed("unreachable", "the authority's answer is no JSON");
  }
}

/** Retry-After (RFC 9110 10.2.3) in ms; null when there is none or it cannot be read. */
export function retryAfterOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

/** True for an answer that asks for the same again with another nonce (RFC 8555 6.5). */
export function isBadNonce(status: number, body: unknown): boolean {
  return status === 400 && asFields(body)["type"] === `${PROBLEM_PREFIX}badNonce`;
}

/** What an answer with an error status says (RFC 8555 6.7). */
export function failureOf(url: string, { status, headers }: AcmeAnswer, body: unknown): AuthorityFailure {
  const problem = problemName(body);
  const retryAfter = retryAfterOf(headers["retry-after"]);
  const text = problemText(body) ?? `status ${status}`;
  const kind =
    status === 429 || problem === "rateLimited"
      ? "limited"
      : status >= 500 || problem === null
        ? "unreachable"
        : "refused";
  return failed(kind, `${new URL(url).host}: ${text}`, problem, retryAfter);
}

function problemName(body: unknown): string | null {
  const { type } = asFields(body);
  return typeof type === "string" && type.startsWith(PROBLEM_PREFIX) ? type.slice(PROBLEM_PREFIX.length) : null;
}

/** A problem document (RFC 9457) as one line, with its subproblems (RFC 8555 6.7.1); null when it is none. */
export function problemText(body: unknown): string | null {
  const { detail, subproblems } = asFields(body);
  const name = problemName(body);
  const own = [name, detail].filter((part) => typeof part === "string").join(": ");
  if (own === "") return null;
  const parts = asList(subproblems)
    .slice(0, SHOWN_SUBPROBLEMS)
    .flatMap((part) => {
      const about = asFields(asFields(part)["identifier"])["value"];
      const text = problemText(part);
      return text === null ? [] : [typeof about === "string" ? `${about}: ${text}` : text];
    });
  return [own, ...parts].join("; ");
}
