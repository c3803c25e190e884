/**
 * The number that the value of a Content-Length field is: decimal digits and below 2^53, as `parseContentLength` of
 * http1/framing.ts reads it from bytes; -1 if it is anything else (RFC 9110 8.6).
 */
export function contentLengthOf(value: string): number {
  if (value === "") return -1;
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return -1;
  }
  return length;
}
