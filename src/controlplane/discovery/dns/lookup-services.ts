import type { DiscoveredServer } from "../../../core/discovery/discovery.ts";
import { formatServerAddress } from "../format-address.ts";
import { MAX_TARGET_LOOKUPS, PARALLEL_LOOKUPS } from "../limits.ts";
import type { DnsClient } from "./dns-client.ts";
import type { DnsRecord } from "./dns-message.ts";
import { addressesOf, lookupAddresses, type Family } from "./lookup-addresses.ts";

type Service = Extract<DnsRecord, { readonly type: "SRV" }>;

/** What the name of a service leads to. */
export interface ServiceLookup {
  readonly servers: readonly DiscoveredServer[];
  /** Seconds that it holds. */
  readonly ttl: number;
  readonly exists: boolean;
  /** Why some targets are missing; undefined when none is. */
  readonly incomplete: string | undefined;
}

/**
 * Looks up SRV records (RFC 2782) and the addresses of their targets. A target whose addresses cannot be had now keeps
 * those that `known` holds; `known` is brought up to date. Rejects when the SRV question got no answer.
 */
export async function lookupServices(
  client: DnsClient,
  name: string,
  family: Family,
  known: Map<string, readonly string[]>,
  signal: AbortSignal,
): Promise<ServiceLookup> {
  const answer = await client.ask(name, "SRV", signal);
  const records = [...answer.answers, ...answer.additionals];
  const owner = ownerOf(answer.answers, name);
  // A single record with the root as its target says that the service is not offered at all: that is no server.
  const services = answer.answers.filter(
    (record): record is Service =>
      record.type === "SRV" && record.name === owner && record.target !== "" && record.port > 0,
  );
  const targets = [...new Set(services.map(({ target }) => target))].sort();
  let ttl = Math.min(...services.map((service) => service.ttl));
  const missing: string[] = [];
  const found = new Map<string, readonly string[]>();
  const toAsk: string[] = [];
  for (const target of targets) {
    const brought = fromRecords(records, target, family);
    if (brought === undefined) {
      toAsk.push(target);
      continue;
    }
    found.set(target, brought.addresses);
    ttl = Math.min(ttl, brought.ttl);
  }
  const asked = toAsk.slice(0, MAX_TARGET_LOOKUPS);
  if (toAsk.length > asked.length) missing.push(`${toAsk.length - asked.length} more than can be looked up`);
  await inParallel(asked, async (target) => {
    try {
      const result = await lookupAddresses(client, target, family, signal);
      if (result.addresses.length > 0) {
        found.set(target, result.addresses);
        ttl = Math.min(ttl, result.ttl);
      } else missing.push(`${target} has no addresses`);
    } catch (error) {
      const before = known.get(target);
      if (before !== undefined) found.set(target, before);
      missing.push((error as Error).message);
    }
  });
  for (const target of known.keys()) if (!found.has(target)) known.delete(target);
  for (const [target, addresses] of found) known.set(target, addresses);
  return {
    servers: serversOf(services, found),
    ttl: Number.isFinite(ttl) ? ttl : 0,
    exists: answer.rcode !== "NXDOMAIN",
    incomplete: missing.length === 0 ? undefined : missing.slice(0, 3).join("; "),
  };
}

/** The name that the SRV records have, behind an alias. */
function ownerOf(records: readonly DnsRecord[], name: string): string {
  const wanted = name.toLowerCase().replace(/\.$/, "");
  const alias = records.find((record) => record.type === "CNAME" && record.name === wanted);
  return alias?.type === "CNAME" ? alias.target : wanted;
}

/** Addresses that came with the answer; undefined when they do not say everything that was wanted. */
function fromRecords(records: readonly DnsRecord[], target: string, family: Family) {
  const v4 = addressesOf(records, target, "A");
  const v6 = addressesOf(records, target, "AAAA");
  if (family === "ipv4" || family === "auto") return v4.addresses.length > 0 ? v4 : undefined;
  if (family === "ipv6") return v6.addresses.length > 0 ? v6 : undefined;
  // That a kind did not come along does not mean that the target has none of it.
  if (v4.addresses.length === 0 || v6.addresses.length === 0) return undefined;
  return { addresses: [...v4.addresses, ...v6.addresses], ttl: Math.min(v4.ttl, v6.ttl) };
}

/** Highest weight of a server. */
const MAX_WEIGHT = 65_535;
/** So many times more than a record of weight 0 does each unit of weight count beside it. */
const FINENESS = 100;

/**
 * Servers of a service. Priorities become ranks 0, 1, 2, …, for only their order counts. The weight of a target is
 * shared by its addresses; weight 0 beside others stands for a very small chance, and all of them 0 for equal ones.
 */
function serversOf(
  services: readonly Service[],
  addresses: ReadonlyMap<string, readonly string[]>,
): DiscoveredServer[] {
  const ranks = [...new Set(services.map(({ priority }) => priority))].sort((a, b) => a - b);
  const servers: DiscoveredServer[] = [];
  for (const [rank, priority] of ranks.entries()) {
    const same = services.filter((service) => service.priority === priority);
    const heaviest = Math.max(...same.map(({ weight }) => weight));
    const isEven = same.every(({ weight, target }) => weight > 0 && (addresses.get(target)?.length ?? 1) === 1);
    const scale = isEven || heaviest === 0 ? 1 : Math.max(1, Math.min(FINENESS, Math.floor(MAX_WEIGHT / heaviest)));
    for (const { target, port, weight } of same) {
      const own = addresses.get(target) ?? [];
      const share = heaviest === 0 ? 1 : Math.max(1, Math.round((weight * scale) / Math.max(1, own.length)));
      for (const address of own) {
        servers.push({ address: formatServerAddress(address, port), weight: share, priority: Math.min(rank, 128) });
      }
    }
  }
  return servers.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

async function inParallel(items: readonly string[], work: (item: string) => Promise<void>): Promise<void> {
  const left = items.values();
  const workers = Array.from({ length: Math.min(PARALLEL_LOOKUPS, items.length) }, async () => {
    for (const item of left) await work(item);
  });
  await Promise.all(workers);
}
