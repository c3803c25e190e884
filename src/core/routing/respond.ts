/** An answer that a route gives itself, as the configuration has it. */
export interface RespondInput {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Fields that belong to the connection or follow from the body: the proxy writes them itself. */
const OWN_FIELDS = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "upgrade",
  "trailer",
  "te",
  "date",
]);

/** An answer that is the same for every request: the shape of a filter's answer. */
export interface FixedAnswer {
  readonly status: number;
  /** Names in lower case; with content-type when there is a body. */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for none. */
  readonly body: string;
}

/**
 * Checks a fixed answer and fills in what it needs: a text body without a content type is `text/plain`.
 *
 * @throws Error for a field that HTTP does not allow or the proxy writes itself, and for a body where the status has
 *   none (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5)
 */
export function compileRespond(input: RespondInput): FixedAnswer {
  const { body, status } = input;
  if (body !== "" && (status === 204 || status === 205 || status === 304)) {
    throw new Error(`respond: an answer with status ${status} has no body`);
  }
  const headers: Record<string, string> = {};
  for (const [given, value] of Object.entries(input.headers)) {
    const name = given.toLowerCase();
    if (OWN_FIELDS.has(name)) throw new Error(`respond.headers: ${given} is written by the proxy itself`);
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) throw new Error(`respond.headers: "${given}" is not a field name`);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new Error(`respond.headers: the value of ${given} has a character that is not allowed`);
    headers[name] = value;
  }
  if (body !== "") headers["content-type"] ??= "text/plain; charset=utf-8";
  return Object.freeze({ status, headers: Object.freeze(headers), body });
}
