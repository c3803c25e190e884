/** Where an authority looks for the answer to http-01 (RFC 8555 8.3). */
const PREFIX = "/.well-known/acme-challenge/";

/**
 * The body that answers an authority's question, or null when this is none of ours: then the request goes on to the routes,
 * as a server behind us may have an ACME client of its own.
 *
 * @param challenges `TlsMaterial.httpChallenges`: token → key authorisation. Not called per request while it is empty
 * @param path of a GET or HEAD request to a listener without TLS, without its query
 */
export function challengeAnswer(challenges: Readonly<Record<string, string>>, path: string): string | null {
  if (!path.startsWith(PREFIX)) return null;
  const token = path.slice(PREFIX.length);
  return Object.hasOwn(challenges, token) ? challenges[token] : null;
}
