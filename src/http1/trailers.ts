import { parseFieldLines } from "./field-lines.ts";
import { FieldId, fieldTable, PROXY_FIELDS } from "./fields.ts";
import { HeaderBlock } from "./header-block.ts";
import { receivedBytes } from "./received-bytes.ts";
import type { ProtocolError } from "./protocol-error.ts";

/**
 * Fields that must not come behind the body (RFC 9110 6.5.1): framing, routing, request modifiers, authentication, content
 * format, control data, and what proxies tell each other. Recipients that merge trailers into the header section would let
 * them change what was decided already.
 */
export const FORBIDDEN_IN_TRAILERS: Uint8Array = fieldTable(
  FieldId.host,
  FieldId.contentLength,
  FieldId.transferEncoding,
  FieldId.connection,
  FieldId.upgrade,
  FieldId.expect,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.proxyAuthenticate,
  FieldId.proxyAuthorization,
  FieldId.te,
  FieldId.trailer,
  ...PROXY_FIELDS,
  FieldId.via,
  FieldId.cookie,
  FieldId.setCookie,
  FieldId.authorization,
  FieldId.wwwAuthenticate,
  FieldId.authenticationInfo,
  FieldId.proxyAuthenticationInfo,
  FieldId.contentType,
  FieldId.contentEncoding,
  FieldId.contentRange,
  FieldId.contentLanguage,
  FieldId.contentLocation,
  FieldId.contentDisposition,
  FieldId.cacheControl,
  FieldId.pragma,
  FieldId.maxForwards,
  FieldId.range,
  FieldId.ifMatch,
  FieldId.ifNoneMatch,
  FieldId.ifModifiedSince,
  FieldId.ifUnmodifiedSince,
  FieldId.ifRange,
  FieldId.age,
  FieldId.date,
  FieldId.expires,
  FieldId.location,
  FieldId.retryAfter,
  FieldId.vary,
  FieldId.origin,
  FieldId.referer,
  FieldId.secWebsocketKey,
  FieldId.secWebsocketAccept,
  FieldId.secWebsocketVersion,
  FieldId.secWebsocketProtocol,
  FieldId.secWebsocketExtensions,
  FieldId.strictTransportSecurity,
);

/** The trailer section of a chunked body while it comes in (RFC 9112 7.1.2). */
export class TrailerSection {
  private readonly block = new HeaderBlock();
  private text = "";

  reset(): void {
    this.block.resetFields();
    this.text = "";
  }

  /** Characters received so far. */
  get size(): number {
    return this.text.length;
  }

  /**
   * Takes buffer[start, end). Returns the position behind the section's blank line, -1 if it has not come yet, or the error.
   */
  push(buffer: Uint8Array, start: number, end: number, maxHeaders: number): number | ProtocolError {
    const before = this.text.length;
    let added = "";
    for (let i = start; i < end; i++) added += String.fromCharCode(buffer[i]);
    this.text += added;
    const result = parseFieldLines(
      this.block,
      receivedBytes(this.text, 0, this.text.length),
      this.text.length,
      maxHeaders,
    );
    if (result === 0) return -1;
    if (result !== 1) return result;
    this.block.text = this.text;
    return start + this.block.end - before;
  }

  /** The complete field lines that may be passed on. */
  keptLines(): string {
    return this.block.keptLines(FORBIDDEN_IN_TRAILERS);
  }
}
