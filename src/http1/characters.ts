/**
 * Classes of bytes as tables that are indexed by the byte. One load per byte is the cheapest test that V8 compiles, and
 * an index of 256 or more (text that is not latin1) reads `undefined`, which no class equals.
 */

function table(mark: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => mark(byte));
}

function isOneOf(byte: number, characters: string): boolean {
  return characters.includes(String.fromCharCode(byte));
}

export function isAlphanumeric(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}

/** 1 for tchar: what methods, field names and connection options are made of (RFC 9110 5.6.2). */
export const TOKEN = table((byte) => (isAlphanumeric(byte) || isOneOf(byte, "!#$%&'*+-.^_`|~") ? 1 : 0));

/** 1 for what a field value may hold: tab, space, visible ASCII and the opaque bytes above 127 (RFC 9110 5.5). */
export const FIELD_VALUE = table((byte) => (byte === 9 || (byte >= 32 && byte !== 127) ? 1 : 0));

/** Whether every character of the text is in a class: TOKEN, FIELD_VALUE … True for the empty text. */
export function consistsOf(allowed: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (allowed[text.charCodeAt(i)] !== 1) return false;
  return true;
}

/** Value of a hexadecimal digit; 255 for every other byte. */
export const HEX_VALUE = table((byte) =>
  byte >= 48 && byte <= 57
    ? byte - 48
    : byte >= 65 && byte <= 70
      ? byte - 55
      : byte >= 97 && byte <= 102
        ? byte - 87
        : 255,
);

/** 1 for the characters that mean the same with and without percent-encoding (RFC 3986 2.3). */
export const UNRESERVED = table((byte) => (isAlphanumeric(byte) || isOneOf(byte, "-._~") ? 1 : 0));

/** Classes of `PATH_CLASS`. */
export const PATH_INVALID = 0;
export const PATH_PLAIN = 1;
export const PATH_SLASH = 2;
export const PATH_DOT = 3;
export const PATH_PERCENT = 4;

/**
 * What a byte means in a path: refused, itself, or one of the three that normalisation looks at. Allowed are pchar of
 * RFC 3986 3.3 and the square brackets, which RFC 3986 keeps for hosts but browsers send as they are.
 */
export const PATH_CLASS = table((byte) => {
  if (byte === 47) return PATH_SLASH;
  if (byte === 46) return PATH_DOT;
  if (byte === 37) return PATH_PERCENT;
  return isAlphanumeric(byte) || isOneOf(byte, "-_~!$&'()*+,;=:@[]") ? PATH_PLAIN : PATH_INVALID;
});

/**
 * 1 for what a query may hold: visible ASCII but the number sign. More than RFC 3986 3.4 allows, because browsers send
 * braces, bars and the like as they are; the query is not normalised and decides nothing about the path.
 */
export const QUERY = table((byte) => (byte > 32 && byte < 127 && byte !== 35 ? 1 : 0));

/** 1 for what a host name may hold. */
export const HOST_NAME = table((byte) => (isAlphanumeric(byte) || isOneOf(byte, "-._~") ? 1 : 0));

/**
 * Whether text[start, end) is `word` but for the case of letters. `word` is lower case; the text must be made of
 * visible characters, because setting bit 5 also maps some control bytes onto punctuation.
 */
export function equalsIgnoreCase(text: string, start: number, end: number, word: string): boolean {
  const length = word.length;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) {
    const byte = text.charCodeAt(start + i);
    const wanted = word.charCodeAt(i);
    if (byte !== wanted && (byte | 32) !== wanted) return false;
  }
  return true;
}

/** `equalsIgnoreCase` for bytes. */
export function bytesEqualIgnoreCase(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  const length = word.length;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i];
    const wanted = word.charCodeAt(i);
    if (byte !== wanted && (byte | 32) !== wanted) return false;
  }
  return true;
}
