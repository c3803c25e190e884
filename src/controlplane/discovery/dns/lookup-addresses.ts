import { MAX_ALIASES } from "../limits.ts";
import type { DnsClient } from "./dns-client.ts";
import { plainName, type DnsAnswer, type DnsRecord } from "./dns-message.ts";

/** Which addresses of a name count. auto: the IPv4 ones, and the IPv6 ones where there are none of these. */
export const families = ["auto", "ipv4", "ipv6", "both"] as const;
export type Family = (typeof families)[number];

/** What a name leads to. */
export interface AddressLookup {
  /** IP addresses, each once, in a fixed order: resolvers turn theirs with every answer. */
  readonly addresses: readonly string[];
  /** Seconds that it holds. */
  readonly ttl: number;
  /** False when the name itself does not exist. */
  readonly exists: boolean;
}

/** Looks up the addresses of a name. Rejects when one of the questions that it takes got no answer. */
export async function lookupAddresses(
  client: DnsClient,
  name: string,
  family: Family,
  signal: AbortSignal,
): Promise<AddressLookup> {
  const ask = async (type: "A" | "AAAA") => addressesIn(await client.ask(name, type, signal), name, type);
  if (family === "ipv4") return ask("A");
  if (family === "ipv6") return ask("AAAA");
  if (family === "both") {
    const [v4, v6] = await Promise.all([ask("A"), ask("AAAA")]);
    const found = [v4, v6].filter(({ addresses }) => addresses.length > 0);
    return {
      addresses: [...v4.addresses, ...v6.addresses],
      ttl: found.length === 0 ? 0 : Math.min(...found.map(({ ttl }) => ttl)),
      exists: v4.exists || v6.exists,
    };
  }
  const v4 = await ask("A");
  // A name that does not exist has no records of any type (RFC 8020).
  return v4.addresses.length > 0 || !v4.exists ? v4 : ask("AAAA");
}

/** The addresses that an answer gives for a name, over its aliases. */
function addressesIn(answer: DnsAnswer, name: string, type: "A" | "AAAA"): AddressLookup {
  const { addresses, ttl } = addressesOf(answer.answers, name, type);
  return { addresses, ttl, exists: answer.rcode !== "NXDOMAIN" };
}

/** The addresses of a name among records: CNAMEs are followed as far as the records go. */
export function addressesOf(
  records: readonly DnsRecord[],
  name: string,
  type: "A" | "AAAA",
): { readonly addresses: readonly string[]; readonly ttl: number } {
  let wanted = plainName(name);
  let ttl = Infinity;
  for (let hops = 0; hops < MAX_ALIASES; hops++) {
    const alias = records.find((record) => record.type === "CNAME" && record.name === wanted);
    if (alias?.type !== "CNAME") break;
    ttl = Math.min(ttl, alias.ttl);
    wanted = alias.target;
  }
  const addresses = new Set<string>();
  for (const record of records) {
    if (record.type !== type || record.name !== wanted) continue;
    addresses.add(record.address);
    ttl = Math.min(ttl, record.ttl);
  }
  return { addresses: [...addresses].sort(), ttl: Number.isFinite(ttl) ? ttl : 0 };
}
