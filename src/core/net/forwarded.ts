import { normaliseAddress } from "./address.ts";

/**
 * The client's address behind trusted proxies. Each proxy appends the address that it was connected from to
 * X-Forwarded-For, so only the entries that trusted proxies wrote are worth anything: the walk goes from the right,
 * as long as the writer of an entry is trusted, and ends at the first address that is not. What stands left of it
 * was written by the client and may say anything.
 *
 * @param remote address of the connection's other end
 * @param values all X-Forwarded-For values, joined with commas in the order received; may be empty
 * @param isTrusted whether an address is a trusted proxy's (see compileCidrs)
 * @returns a normalised address; `remote` itself when it cannot be read as one (a Unix socket)
 */
export function clientFromForwarded(remote: string, values: string, isTrusted: (address: string) => boolean): string {
  let client = normaliseAddress(remote) ?? remote;
  let end = values.length;
  while (end > 0 && isTrusted(client)) {
    const comma = values.lastIndexOf(",", end - 1);
    const next = nodeAddress(values.slice(comma + 1, end).trim());
    // An entry that is no address cannot have come from an honest proxy: its writer is the last one known.
    if (next === undefined) return client;
    client = next;
    end = comma;
  }
  return client;
}

/**
 * The client's address behind trusted proxies that send Forwarded (RFC 7239): the same walk as for
 * X-Forwarded-For, over the `for` parameter of each element. An element without one, with an obfuscated
 * identifier or `unknown`, and a value with bad syntax end the walk.
 *
 * @param values all Forwarded values, joined with commas in the order received; may be empty
 */
export function clientFromForwardedField(
  remote: string,
  values: string,
  isTrusted: (address: string) => boolean,
): string {
  let client = normaliseAddress(remote) ?? remote;
  if (values === "" || !isTrusted(client)) return client;
  const nodes = forNodes(values);
  for (let at = nodes.length - 1; at >= 0 && isTrusted(client); at--) {
    const next = nodeAddress(nodes[at]);
    if (next === undefined) return client;
    client = next;
  }
  return client;
}

/** Address of `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; undefined for the rest. */
function nodeAddress(node: string): string | undefined {
  if (node.charCodeAt(0) === 91) {
    const match = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(node);
    return match === null || !match[1].includes(":") ? undefined : normaliseAddress(match[1]);
  }
  const colon = node.indexOf(":");
  const withPort = colon >= 0 && node.includes(".") && /^[0-9.]+:\d{1,5}$/.test(node);
  return normaliseAddress(withPort ? node.slice(0, colon) : node);
}

/** The `for` value of each element, in order; "" where an element has none. Empty when the syntax is broken. */
function forNodes(values: string): string[] {
  const nodes: string[] = [];
  let node = "";
  let open = false;
  const pair =
    /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)")[ \t]*([;,]|$)/y;
  while (pair.lastIndex < values.length) {
    const match = pair.exec(values);
    if (match === null) return [];
    if (match[1].toLowerCase() === "for") {
      // RFC 7239 section 4: no parameter twice in an element. Which one counts would be a guess.
      if (node !== "") return [];
      node = match[2] ?? match[3].replaceAll(/\\(.)/g, "$1");
    }
    open = match[4] === ";";
    if (!open) {
      nodes.push(node);
      node = "";
    }
  }
  return open ? [] : nodes;
}
