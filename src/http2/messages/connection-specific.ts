import { FieldId, fieldTable } from "../../http1/fields.ts";
import type { Field } from "../field-list.ts";

const IDS = fieldTable(
  FieldId.connection,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.transferEncoding,
  FieldId.upgrade,
);

/**
 * Whether the field says something about a connection of HTTP/1.1, which makes a message of HTTP/2 malformed (RFC 9113
 * 8.2.2). HTTP2-Settings belonged to the upgrade from HTTP/1.1 (RFC 7540 3.2.1). TE is allowed if it says no more than `trailers`.
 */
export function isConnectionSpecific(field: Field): boolean {
  const { id } = field;
  if (id === FieldId.unknown) return field.name.length === 14 && field.name === "http2-settings";
  return IDS[id] === 1 || (id === FieldId.te && field.value !== "trailers" && field.value.toLowerCase() !== "trailers");
}
