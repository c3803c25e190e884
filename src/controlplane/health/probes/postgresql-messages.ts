/** A message from a PostgreSQL server: its type byte as a character, and what follows its length. */
export interface ServerMessage {
  readonly type: string;
  readonly body: Buffer;
  /** Position behind the message. */
  readonly end: number;
}

const MAX_MESSAGE = 32 * 1024;

/** Types that a server sends in what checks do: PostgreSQL documentation, "Message Formats". */
const KNOWN = new Set("RSKZEDTCNIAv".split(""));

/** The message that begins the bytes, undefined when more is needed, or what is wrong. */
export function parseServerMessage(bytes: Buffer): ServerMessage | { readonly wrong: string } | undefined {
  if (bytes.length === 0) return undefined;
  const type = String.fromCharCode(bytes[0]!);
  if (!KNOWN.has(type)) return { wrong: "an unknown kind of message" };
  if (bytes.length < 5) return undefined;
  const length = bytes.readUInt32BE(1);
  if (length < 4 || length > MAX_MESSAGE) return { wrong: "a message of an impossible length" };
  const end = 1 + length;
  return bytes.length < end ? undefined : { type, body: bytes.subarray(5, end), end };
}

/** The fields of an error: the type of field (C: SQLSTATE, M: message, S: severity) → its text. */
export function errorFields(body: Buffer): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at + 1);
    if (end < 0) break;
    fields.set(String.fromCharCode(body[at]!), body.toString("utf8", at + 1, end));
    at = end + 1;
  }
  return fields;
}

/** The first column of a DataRow as text; null for NULL, undefined when there is none. */
export function firstColumn(body: Buffer): string | null | undefined {
  if (body.length < 6 || body.readUInt16BE(0) === 0) return undefined;
  const length = body.readInt32BE(2);
  if (length === -1) return null;
  return length < 0 || body.length < 6 + length ? undefined : body.toString("utf8", 6, 6 + length);
}

/** The message that opens a connection, protocol 3.0. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`);
  const body = Buffer.from(`${text.join("")}\0`);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8, 0);
  head.writeUInt32BE(0x0003_0000, 4);
  return Buffer.concat([head, body]);
}

/** A message from the client. */
export function clientMessage(type: "p" | "Q" | "X", body: string | Buffer): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}
