import { isIP } from "node:net";

/** An address to listen on or to connect to. */
export type Address =
  | {
      readonly kind: "tcp";
      /** IP address or host name, IPv6 without brackets; empty (only for listening) means every address. */
      readonly host: string;
      readonly port: number;
    }
  | { readonly kind: "unix"; readonly path: string };

/** The parsed address, or why the text is none. */
export type AddressResult = { readonly address: Address } | { readonly reason: string };

/** `host:port`, `[v6]:port`, `:port` (every address) or `unix:/path`; port 0 takes a free one. */
export function parseListenAddress(text: string): AddressResult {
  return parseAddress(text, { emptyHost: true, lowestPort: 0 });
}

/** `host:port`, `[v6]:port` or `unix:/path`; the port is 1..65535. */
export function parseServerAddress(text: string): AddressResult {
  return parseAddress(text, { emptyHost: false, lowestPort: 1 });
}

/** An IP address with a port, or without one (then it is 53): `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`. */
export function parseResolverAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  if (isIP(text) !== 0) return { host: text, port: 53 };
  const parsed = parseServerAddress(text);
  if (!("address" in parsed) || parsed.address.kind !== "tcp" || isIP(parsed.address.host) === 0) return undefined;
  return { host: parsed.address.host, port: parsed.address.port };
}

interface Rules {
  readonly emptyHost: boolean;
  readonly lowestPort: number;
}

function parseAddress(text: string, rules: Rules): AddressResult {
  if (text.startsWith("unix:")) return parseUnix(text.slice(5));
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text);
  if (match === null) return { reason: whyNot(text) };
  const [, v6, name, digits] = match;
  const port = Number(digits);
  if (digits.length > 5 || port > 65535 || port < rules.lowestPort) {
    return { reason: `port ${digits.slice(0, 20)} is not in ${rules.lowestPort}..65535` };
  }
  if (v6 !== undefined) {
    return isIP(v6) === 6 ? tcp(v6, port) : { reason: `"${v6}" between the brackets is not an IPv6 address` };
  }
  if (name === "") return rules.emptyHost ? tcp("", port) : { reason: "the host before the colon is missing" };
  return isHost(name) ? tcp(name, port) : { reason: `"${name}" is neither an IP address nor a host name` };
}

function tcp(host: string, port: number): AddressResult {
  return { address: { kind: "tcp", host: host.toLowerCase(), port } };
}

/** Linux keeps the path of a socket in 108 bytes, a zero at its end included (unix(7)). */
const MAX_UNIX_PATH = 107;

function parseUnix(path: string): AddressResult {
  if (!path.startsWith("/")) return { reason: "the path of a unix socket starts with a slash: unix:/run/app.sock" };
  if (path.includes("\0")) return { reason: "the path of a unix socket cannot contain a NUL" };
  if (Buffer.byteLength(path) > MAX_UNIX_PATH) {
    return { reason: `the path of a unix socket has at most ${MAX_UNIX_PATH} bytes` };
  }
  return { address: { kind: "unix", path } };
}

function whyNot(text: string): string {
  if (/^\d+$/.test(text)) return `the host is missing: 127.0.0.1:${text}`;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return "an address has no scheme: host:port";
  if (isIP(text) === 6) return `an IPv6 address stands in brackets: [${text}]:80`;
  if (!text.includes(":")) return `the port is missing: ${text}:80`;
  if (/:\d*\/./.test(text)) return "an address has no path: host:port";
  if (isIP(text.replace(/:\d+$/, "")) === 6) return "an IPv6 address stands in brackets: [::1]:80";
  return "the part after the last colon is not a port number";
}

/** An IPv4 address or a host name (RFC 1123 letters; underscores too, for container networks use them). */
function isHost(name: string): boolean {
  if (name.length > 253) return false;
  if (/^[\d.]+$/.test(name)) return isIP(name) === 4;
  return name.split(".").every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i.test(label));
}

/** True when only this machine can reach the address. */
export function isLoopback(address: Address): boolean {
  if (address.kind === "unix") return true;
  const { host } = address;
  if (host === "localhost") return true;
  if (isIP(host) === 4) return host.startsWith("127.");
  return isIP(host) === 6 && new URL(`http://[${host}]`).hostname === "[::1]";
}
