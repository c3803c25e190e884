import { parseAddress } from "../core/net/address.ts";
import { Alert, type TlsFault } from "./alert.ts";
import type { ByteCursor } from "./byte-cursor.ts";

const HOST_NAME = 0;
/** Longest name and longest label in octets (RFC 1035 2.3.4), the name without a dot at its end. */
const MAX_NAME = 253;
const MAX_LABEL = 63;

/** What stands in server_name: a host name in lower case, or "" for an address, which is no name there. */
export type ServerNameResult = { readonly name: string } | TlsFault;

/**
 * Reads the contents of a server_name extension (RFC 6066 3). One host name is needed; names of types that are not known
 * are passed over. An IP address is not permitted there, but some clients send one: it counts as no name, as does what
 * many servers make of it. A dot at the end is not part of the name.
 */
export function readServerName(extension: ByteCursor): ServerNameResult {
  const list = extension.vector(2);
  if (list.failed || list.left === 0 || extension.left !== 0) return badName("server_name is malformed");
  let found: string | undefined;
  while (list.left > 0) {
    const type = list.number(1);
    const name = list.vector(2);
    if (list.failed || name.left === 0) return badName("server_name is malformed");
    if (type !== HOST_NAME) continue;
    if (found !== undefined) return illegalName("server_name has two host names");
    found = name.text();
  }
  if (found === undefined) return { name: "" };
  if (isAddress(found)) return { name: "" };
  const name = (found.endsWith(".") ? found.slice(0, -1) : found).toLowerCase();
  return isHostName(name) ? { name } : illegalName("server_name is no host name");
}

function isAddress(text: string): boolean {
  // Names cannot have a colon, and their last label is not a number (RFC 3696 2).
  if (!text.includes(":") && !/\d$/.test(text)) return false;
  return parseAddress(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text) !== undefined;
}

/** Letters, digits, hyphens and, since they are in use, underscores, in labels of 1 to 63. */
function isHostName(name: string): boolean {
  if (name.length > MAX_NAME || !/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name)) return false;
  return name.split(".").every((label) => label.length <= MAX_LABEL);
}

function badName(reason: string): TlsFault {
  return { alert: Alert.decodeError, reason };
}

function illegalName(reason: string): TlsFault {
  return { alert: Alert.illegalParameter, reason };
}
