import ipaddr from "ipaddr.js";

/** An IP address as unsigned 32-bit words, most significant first: one word for IPv4, four for IPv6. */
export interface IpAddress {
  readonly version: 4 | 6;
  readonly words: readonly number[];
}

/**
 * Reads an IP address. An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) becomes the IPv4 address, since that
 * is what sockets that listen on `::` report for IPv4 clients. A zone (`%eth0`) is dropped. Host names, ports and
 * the historical short, octal and hexadecimal spellings of IPv4 are refused.
 *
 * @returns undefined when the text is not an address
 */
export function parseAddress(text: string): IpAddress | undefined {
  const v4 = parseIpv4(text, 0, text.length);
  if (v4 >= 0) return { version: 4, words: [v4] };
  const words = parseIpv6(text);
  if (words === undefined) return undefined;
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return { version: 4, words: [words[3]] };
  return { version: 6, words };
}

/**
 * The one spelling of an address that logs, headers and comparisons use: dotted decimal for IPv4 and IPv4-mapped
 * addresses, RFC 5952 for the rest.
 *
 * @returns undefined when the text is not an address
 */
export function normaliseAddress(text: string): string | undefined {
  if (parseIpv4(text, 0, text.length) >= 0) return text;
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  if (address.version === 4) return formatIpv4(address.words[0]);
  return new ipaddr.IPv6(address.words.flatMap((word) => [word >>> 16, word & 0xffff])).toRFC5952String();
}

/**
 * Reads four decimal numbers 0..255 with dots between them, without leading zeros, from part of a text.
 *
 * @param from index of the first character
 * @param to index after the last one
 * @returns the address as an unsigned 32-bit number, or -1
 */
export function parseIpv4(text: string, from: number, to: number): number {
  if (to - from < 7 || to - from > 15) return -1;
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) {
      if (digits > 0 && part === 0) return -1;
      part = part * 10 + code - 48;
      if (part > 255) return -1;
      digits++;
    } else if (code === 46 && digits > 0 && dots < 3) {
      value = value * 256 + part;
      part = 0;
      digits = 0;
      dots++;
    } else return -1;
  }
  return dots === 3 && digits > 0 ? value * 256 + part : -1;
}

function parseIpv6(text: string): number[] | undefined {
  // Longest: six groups, an embedded IPv4 address and a zone; the bound keeps hostile header values away.
  if (text.length < 2 || text.length > 80) return undefined;
  const zone = text.indexOf("%");
  const bare = zone < 0 ? text : text.slice(0, zone);
  if (zone === text.length - 1 || !/^[0-9a-f:.]+$/i.test(bare)) return undefined;
  let head = bare;
  const lastColon = bare.lastIndexOf(":");
  if (lastColon < 0) return undefined;
  if (bare.includes(".")) {
    // The embedded IPv4 part gets the same strict reading as a bare one.
    const tail = parseIpv4(bare, lastColon + 1, bare.length);
    if (tail < 0) return undefined;
    head = `${bare.slice(0, lastColon + 1)}${(tail >>> 16).toString(16)}:${(tail & 0xffff).toString(16)}`;
  }
  if (!ipaddr.IPv6.isValid(head)) return undefined;
  const parts = ipaddr.IPv6.parse(head).parts;
  const words: number[] = [];
  for (let at = 0; at < 8; at += 2) words.push(parts[at] * 65536 + parts[at + 1]);
  return words;
}

function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}
