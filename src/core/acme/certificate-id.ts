/** base64url without padding (RFC 4648 5). */
function base64url(bytes: Uint8Array): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const digits = Math.min(4, bytes.length - at + 1);
    for (let digit = 0; digit < digits; digit++) text += alphabet[(group >> (18 - 6 * digit)) & 63];
  }
  return text;
}

/**
 * How renewal information and orders name a certificate: its authority's key and its serial number (RFC 9773 4.1).
 *
 * @param authorityKey the keyIdentifier of its Authority Key Identifier extension
 * @param serial the content of its serial number as DER has it: with a leading zero byte where the first bit would be set
 */
export function certificateId(authorityKey: Uint8Array, serial: Uint8Array): string {
  return `${base64url(authorityKey)}.${base64url(serial)}`;
}
