import { FIELD_COUNT, FieldId, fieldTable } from "../../http1/fields.ts";

/** Whether a field that is not in the dynamic table goes there. */
export type IndexingPolicy = 0 | 1 | 2;

/**
 * When the same line was met shortly before. What changes with every message (Content-Length, ETag, X-Request-Id, often
 * the path) costs nothing but its literal then, and what repeats (also Date, for a second) is indexed from its third time on.
 */
export const ON_SECOND_SIGHT = 0;
/** The first time: names whose values are the same for most messages. */
export const AT_ONCE = 1;
/** Never, by any intermediary on the way either (RFC 7541 6.2.3 and 7.1.3): secrets that could be guessed piece by piece. */
export const NEVER = 2;

/** Policies by `FieldId`; other names have 0, `ON_SECOND_SIGHT`. */
export const POLICIES: Uint8Array = new Uint8Array(FIELD_COUNT);
for (const id of [
  FieldId.server,
  FieldId.contentType,
  FieldId.cacheControl,
  FieldId.contentEncoding,
  FieldId.vary,
  FieldId.acceptRanges,
  FieldId.strictTransportSecurity,
  FieldId.via,
  FieldId.te,
  FieldId.xForwardedProto,
  FieldId.xForwardedPort,
  FieldId.accept,
  FieldId.acceptEncoding,
  FieldId.acceptLanguage,
  FieldId.userAgent,
])
  POLICIES[id] = AT_ONCE;
for (const id of [FieldId.authorization, FieldId.proxyAuthorization]) POLICIES[id] = NEVER;

/** A cookie shorter than this is never indexed (RFC 7541 7.1.3: little entropy). */
export const MIN_INDEXED_COOKIE = 20;

/** Names of cookies. */
export const COOKIES: Uint8Array = fieldTable(FieldId.cookie, FieldId.setCookie);

/** Fields that HTTP/2 does not have (RFC 9113 8.2.2); TE is looked at by itself, HTTP2-Settings has no id. */
export const CONNECTION_SPECIFIC: Uint8Array = fieldTable(
  FieldId.connection,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.transferEncoding,
  FieldId.upgrade,
);
