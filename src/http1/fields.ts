import { bytesEqualIgnoreCase, equalsIgnoreCase } from "./characters.ts";

/**
 * Small integers for the field names that the proxy knows; 0 is every other name. The first ones are those that the head
 * parsers interpret, so that one comparison skips all others.
 */
export const FieldId = {
  unknown: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  upgrade: 5,
  expect: 6,
  keepAlive: 7,
  proxyConnection: 8,
  proxyAuthenticate: 9,
  proxyAuthorization: 10,
  te: 11,
  trailer: 12,
  forwarded: 13,
  xForwardedFor: 14,
  xForwardedProto: 15,
  xForwardedHost: 16,
  xForwardedPort: 17,
  xRequestId: 18,
  cookie: 19,
  setCookie: 20,
  date: 21,
  server: 22,
  accept: 23,
  authorization: 24,
  contentType: 25,
  location: 26,
  via: 27,
  cacheControl: 28,
  contentEncoding: 29,
  contentRange: 30,
  acceptEncoding: 31,
  acceptLanguage: 32,
  userAgent: 33,
  referer: 34,
  origin: 35,
  range: 36,
  ifNoneMatch: 37,
  ifModifiedSince: 38,
  ifMatch: 39,
  ifUnmodifiedSince: 40,
  ifRange: 41,
  etag: 42,
  lastModified: 43,
  expires: 44,
  vary: 45,
  age: 46,
  retryAfter: 47,
  wwwAuthenticate: 48,
  authenticationInfo: 49,
  proxyAuthenticationInfo: 50,
  maxForwards: 51,
  pragma: 52,
  xRealIp: 53,
  xForwardedServer: 54,
  xForwardedPrefix: 55,
  traceparent: 56,
  tracestate: 57,
  secWebsocketKey: 58,
  secWebsocketAccept: 59,
  secWebsocketVersion: 60,
  secWebsocketProtocol: 61,
  secWebsocketExtensions: 62,
  contentDisposition: 63,
  contentLanguage: 64,
  contentLocation: 65,
  acceptRanges: 66,
  strictTransportSecurity: 67,
  endpointLoadMetrics: 68,
  priority: 69,
  clientCert: 70,
  clientCertChain: 71,
  xClientCertSubject: 72,
  xClientCertIssuer: 73,
  xClientCertSerial: 74,
  xClientCertFingerprint: 75,
  xClientCertNotAfter: 76,
} as const;

/** The greatest id whose field the head parsers interpret. */
export const LAST_INTERPRETED_FIELD = FieldId.expect;

/** Field names in lower case, by id; "" for 0. */
export const FIELD_NAMES: readonly string[] = Object.entries(FieldId)
  .sort(([, a], [, b]) => a - b)
  .map(([key]) =>
    key === "unknown" ? "" : key === "etag" ? key : key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  );

/** Number of ids, the unknown one included: the length of a table indexed by id. */
export const FIELD_COUNT = FIELD_NAMES.length;

const UNDERSCORE = 95;

/**
 * What proxies tell servers about the client: a client's word on these must not pass for one. Whatever treats them apart
 * (requests, trailers, names with underscores) takes them from here, so that a new one is known everywhere.
 */
export const PROXY_FIELDS: readonly number[] = [
  FieldId.forwarded,
  FieldId.xForwardedFor,
  FieldId.xForwardedProto,
  FieldId.xForwardedHost,
  FieldId.xForwardedPort,
  FieldId.xForwardedServer,
  FieldId.xForwardedPrefix,
  FieldId.xRealIp,
  FieldId.xRequestId,
  FieldId.clientCert,
  FieldId.clientCertChain,
  FieldId.xClientCertSubject,
  FieldId.xClientCertIssuer,
  FieldId.xClientCertSerial,
  FieldId.xClientCertFingerprint,
  FieldId.xClientCertNotAfter,
];

const BUCKETS = 1024;

function bucket(length: number, first: number, last: number): number {
  return (length * 67 + (first | 32) * 29 + (last | 32) * 5) & (BUCKETS - 1);
}

// Names with the same length, first and last letter share a bucket; `next` chains them.
const firstOfBucket = new Uint8Array(BUCKETS);
const nextInBucket = new Uint8Array(FIELD_COUNT);
for (let id = 1; id < FIELD_COUNT; id++) {
  const name = FIELD_NAMES[id];
  const at = bucket(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1));
  nextInBucket[id] = firstOfBucket[at];
  firstOfBucket[at] = id;
}

/** Id of the field name text[start, end), whatever its case; 0 if it is none of ours. The name must be a token. */
export function fieldId(text: string, start: number, end: number): number {
  if (end <= start) return 0;
  let id = firstOfBucket[bucket(end - start, text.charCodeAt(start), text.charCodeAt(end - 1))];
  while (id !== 0 && !equalsIgnoreCase(text, start, end, FIELD_NAMES[id])) id = nextInBucket[id];
  if (id === 0 && text.slice(start, end).includes("_")) return aliasOf(text.slice(start, end));
  return id;
}

/** `fieldId` for bytes. */
export function fieldIdOfBytes(bytes: Uint8Array, start: number, end: number): number {
  let id = firstOfBucket[bucket(end - start, bytes[start], bytes[end - 1])];
  while (id !== 0 && !bytesEqualIgnoreCase(bytes, start, end, FIELD_NAMES[id])) id = nextInBucket[id];
  if (id === 0 && hasUnderscore(bytes, start, end)) return aliasOf(latin1(bytes, start, end));
  return id;
}

/**
 * Gateways of the CGI kind (CGI, FastCGI, WSGI, Rack) show `X_Real_IP` and `X-Real-IP` to a program under one name. So for
 * fields that a proxy alone has a say in, a name with underscores is the same name; for all others it is not.
 */
function aliasOf(name: string): number {
  const dashed = name.replaceAll("_", "-");
  const id = dashed === name ? 0 : fieldId(dashed, 0, dashed.length);
  return PROXY_FIELDS.includes(id) ? id : 0;
}

function hasUnderscore(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === UNDERSCORE) return true;
  return false;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  // Longer than any name that is looked for.
  return String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 64)));
}

/** A table for `HeaderBlock.keptLines` in which these ids are marked. */
export function fieldTable(...ids: readonly number[]): Uint8Array {
  const table = new Uint8Array(FIELD_COUNT);
  for (const id of ids) table[id] = 1;
  return table;
}

/**
 * Fields that belong to one connection and are never passed on (RFC 9110 7.6.1), with Proxy-Connection, which old clients
 * send. Proxy-Authenticate and Proxy-Authorization are not among them: RFC 9110 11.7 lets a proxy that does not
 * authenticate relay them.
 */
export const HOP_BY_HOP: Uint8Array = fieldTable(
  FieldId.connection,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.te,
  FieldId.trailer,
  FieldId.transferEncoding,
  FieldId.upgrade,
);
