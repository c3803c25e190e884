import { FieldId, fieldTable, PROXY_FIELDS } from "../../http1/fields.ts";

/*
 * Which fields do not go on, as tables for HeaderBlock.keptLines: one byte per FieldId, 1 = dropped. Fields that a
 * Connection field nominates go as well; keptLines sees to that.
 */

/** Fields about one connection only (RFC 9110 7.6.1). Upgrade is written anew where an upgrade was asked for. */
const hopByHop = [
  FieldId.connection,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.proxyAuthenticate,
  FieldId.proxyAuthorization,
  FieldId.te,
  FieldId.upgrade,
];

/** Requests: what the proxy says about the client is always its own word; see forwarded-fields.ts for trusted proxies. */
export const requestDrops = fieldTable(...hopByHop, ...PROXY_FIELDS);
/** The same when Host is written anew. */
export const requestDropsWithHost = fieldTable(...hopByHop, ...PROXY_FIELDS, FieldId.host);
/** Requests whose body is framed anew (a filter may change its length). */
export const requestDropsReframed = fieldTable(
  ...hopByHop,
  ...PROXY_FIELDS,
  FieldId.contentLength,
  FieldId.transferEncoding,
);
/** Both of the above. */
export const requestDropsReframedWithHost = fieldTable(
  ...hopByHop,
  ...PROXY_FIELDS,
  FieldId.contentLength,
  FieldId.transferEncoding,
  FieldId.host,
);

/** Answers whose framing stays. What a server says about its load is for us, not for clients. */
export const responseDrops = fieldTable(...hopByHop, FieldId.endpointLoadMetrics);
/** Answers whose body is framed anew. */
export const responseDropsReframed = fieldTable(
  ...hopByHop,
  FieldId.endpointLoadMetrics,
  FieldId.contentLength,
  FieldId.transferEncoding,
);
