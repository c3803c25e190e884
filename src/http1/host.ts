import { HEX_VALUE, HOST_NAME } from "./characters.ts";

/** An authority without user information, taken apart. */
export interface Authority {
  /** Lower case, without port and without a final dot; an IPv6 address keeps its brackets. */
  readonly host: string;
  /** 0..65535; -1 when none is given. */
  readonly port: number;
  /** Host and port as received, in lower case. */
  readonly authority: string;
}

const MAX_HOST_LENGTH = 255;

/**
 * Takes `host [":" port]` apart (RFC 9110 4.2 and 7.2, RFC 3986 3.2); null if it is malformed. The host is an IPv6 address in
 * brackets, or a name of letters, digits, `-`, `.`, `_`, `~` without empty labels (which IPv4 addresses are, too). Narrower than
 * the reg-name of RFC 3986: percent-escapes and punctuation never occur in names that resolve, and what they mean
 * differs from server to server. User information, zone identifiers and IPvFuture are refused. An empty port is the default one.
 */
export function parseAuthority(text: string): Authority | null {
  const hostEnd = text.charCodeAt(0) === 91 ? ipv6End(text) : nameEnd(text);
  if (hostEnd <= 0 || hostEnd > MAX_HOST_LENGTH) return null;
  const port = parsePort(text, hostEnd);
  if (port === -2) return null;
  const authority = text.toLowerCase();
  const withoutDot = text.charCodeAt(hostEnd - 1) === 46 ? hostEnd - 1 : hostEnd;
  return { host: withoutDot === authority.length ? authority : authority.slice(0, withoutDot), port, authority };
}

/** -1: none or empty; -2: malformed. */
function parsePort(text: string, start: number): number {
  if (start === text.length) return -1;
  if (text.charCodeAt(start) !== 58 || text.length - start > 6) return -2;
  if (start + 1 === text.length) return -1;
  let port = 0;
  for (let i = start + 1; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -2;
    port = port * 10 + digit;
  }
  return port <= 65535 ? port : -2;
}

/** Where a host name ends; 0 if it is malformed. */
function nameEnd(text: string): number {
  let labelStart = 0;
  let i = 0;
  for (; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    if (byte === 58) break;
    if (HOST_NAME[byte] !== 1) return 0;
    if (byte === 46) {
      if (i === labelStart) return 0;
      labelStart = i + 1;
    }
  }
  return i;
}

/** Where `[IPv6]` ends, behind the bracket; 0 if it is malformed (RFC 3986 3.2.2). */
function ipv6End(text: string): number {
  const close = text.indexOf("]");
  return close > 0 && isIpv6(text.slice(1, close)) ? close + 1 : 0;
}

/** Whether the text is an IPv6 address without zone (RFC 4291 2.2). */
function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const head = groups(halves[0], halves.length === 1);
  if (halves.length === 1) return head === 8;
  const tail = groups(halves[1], true);
  return head >= 0 && tail >= 0 && head + tail <= 7;
}

/** Number of 16-bit groups; -1 if one is malformed. A dotted IPv4 address may be the last and counts as two. */
function groups(text: string, mayEndInIpv4: boolean): number {
  if (text === "") return 0;
  const parts = text.split(":");
  let count = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (i === parts.length - 1 && mayEndInIpv4 && part.includes(".")) {
      if (!isIpv4(part)) return -1;
      count += 2;
    } else {
      if (part.length === 0 || part.length > 4) return -1;
      for (let j = 0; j < part.length; j++) if (HEX_VALUE[part.charCodeAt(j)] > 15) return -1;
      count++;
    }
  }
  return count;
}

function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}
