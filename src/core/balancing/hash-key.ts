import { hashString } from "../hashing/hash.ts";

/** What a hash key can be taken from: the request's head and where it came from. */
export interface KeySource {
  /** Address of the client, without port. */
  readonly client: string;
  /** Host without port, in lower case. */
  readonly host: string;
  /** Normalised path without query. */
  readonly path: string;
  /** Query with its question mark; empty when there is none. */
  readonly query: string;
  /** Value of a header field by its name in lower case. */
  get(name: string): string | undefined;
  cookie(name: string): string | undefined;
}

/** The unsigned 32-bit hash of one request's key. */
export type HashKey = (request: KeySource) => number;

const plainForms = ["client", "host", "path", "uri"];
const namedForms = ["header", "cookie", "query"];
/** Names as in a field name or cookie name: RFC 9110 section 5.6.2, token. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * What is wrong with a key as written in the configuration, with the allowed forms; undefined when nothing is.
 */
export function hashKeyProblem(spec: string): string | undefined {
  if (plainForms.includes(spec)) return undefined;
  const colon = spec.indexOf(":");
  const form = colon < 0 ? spec : spec.slice(0, colon);
  const name = colon < 0 ? "" : spec.slice(colon + 1);
  if (!namedForms.includes(form)) {
    return `"${spec}" is no hash key; use client, host, path, uri, header:NAME, cookie:NAME or query:NAME`;
  }
  if (name === "") return `"${form}" needs a name: ${form}:NAME`;
  if (form !== "query" && !token.test(name)) return `"${name}" cannot be the name of a ${form}`;
  return undefined;
}

/**
 * Makes the function that hashes the key of a request: the client's address, the host, the path, the path with its
 * query, or a header, cookie or query parameter by name. A request that lacks it is placed by the client's address.
 *
 * @throws RangeError for a spec that `hashKeyProblem` objects to
 */
export function compileHashKey(spec: string): HashKey {
  const problem = hashKeyProblem(spec);
  if (problem !== undefined) throw new RangeError(problem);
  const colon = spec.indexOf(":");
  const name = spec.slice(colon + 1);
  switch (colon < 0 ? spec : spec.slice(0, colon)) {
    case "client":
      return (request) => hashString(request.client);
    case "host":
      return (request) => hashString(request.host);
    case "path":
      return (request) => hashString(request.path);
    case "uri":
      return (request) => hashString(request.path + request.query);
    case "header": {
      const field = name.toLowerCase();
      return (request) => hashString(request.get(field) ?? request.client);
    }
    case "cookie":
      return (request) => hashString(request.cookie(name) ?? request.client);
    default: {
      const prefix = `${name}=`;
      return (request) => hashString(queryParameter(request.query, prefix) ?? request.client);
    }
  }
}

/** The first parameter's value as it stands in the query, not decoded: equal keys only have to look the same. */
function queryParameter(query: string, prefix: string): string | undefined {
  for (let start = 1; start <= query.length;) {
    const next = query.indexOf("&", start);
    const end = next < 0 ? query.length : next;
    if (query.startsWith(prefix, start)) return query.slice(start + prefix.length, end);
    start = end + 1;
  }
  return undefined;
}
