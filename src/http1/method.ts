/**
 * The method text[start, end) as a string; `bytes` are those of the text. The common ones come back as constants, so that nothing is cut out of the text and
 * comparing them is comparing pointers. Methods are case-sensitive (RFC 9110 9.1): `get` is not GET.
 */
export function methodAt(text: string, bytes: Uint8Array, start: number, end: number): string {
  const candidate = candidateFor(end - start, bytes[start], bytes[start + 1]);
  for (let i = 0; i < candidate.length; i++) {
    if (bytes[start + i] !== candidate.charCodeAt(i)) return text.slice(start, end);
  }
  return candidate === "" ? text.slice(start, end) : candidate;
}

function candidateFor(length: number, first: number, second: number): string {
  switch (length) {
    case 3:
      return first === 71 ? "GET" : first === 80 ? "PUT" : "";
    case 4:
      return first === 80 ? "POST" : first === 72 ? "HEAD" : "";
    case 5:
      return first === 80 ? "PATCH" : first === 84 ? "TRACE" : "";
    case 6:
      return first === 68 ? "DELETE" : "";
    case 7:
      return first === 79 ? "OPTIONS" : first === 67 && second === 79 ? "CONNECT" : "";
    default:
      return "";
  }
}
