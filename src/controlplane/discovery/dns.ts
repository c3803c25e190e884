import { Type, type Static } from "typebox";
import { Text } from "../../config/fields.ts";
import type { DiscoveryDefinition } from "../../core/discovery/discovery.ts";
import { StubResolver } from "./dns/dns-client.ts";
import { dnsSettings, refreshProblem, serverSettings } from "./dns/dns-settings.ts";
import { DnsWatch, type Found } from "./dns/dns-watch.ts";
import { lookupAddresses } from "./dns/lookup-addresses.ts";
import { formatServerAddress } from "./format-address.ts";

const DnsSchema = Type.Object({
  name: Text("dnsName", "name that is looked up; absolute: no search list is applied"),
  port: Type.Integer({ minimum: 1, maximum: 65535, description: "port of the servers" }),
  weight: Type.Integer({ default: 1, minimum: 0, maximum: 65535, description: "weight of each server" }),
  priority: Type.Integer({ default: 0, minimum: 0, maximum: 128, description: "priority of the servers" }),
  ...serverSettings,
  ...dnsSettings,
});
type DnsSettings = Static<typeof DnsSchema>;

/** Servers from A and AAAA records: one for each address of a name. */
export const dns: DiscoveryDefinition<DnsSettings> = {
  kind: "discovery",
  name: "dns",
  summary: "One server for each address (A, AAAA) that the DNS gives for a name.",
  schema: DnsSchema,
  problem: refreshProblem,
  watch(settings, listener, deps) {
    const { name, port, weight, priority, zone, maxConnections, backup, family } = settings;
    const client = new StubResolver(settings.resolvers, settings.timeout);
    const lookup = async (signal: AbortSignal): Promise<Found> => {
      const { addresses, ttl, exists } = await lookupAddresses(client, name, family, signal);
      const servers = addresses.map((address) => {
        return { address: formatServerAddress(address, port), weight, priority, zone, maxConnections, backup };
      });
      return { servers, ttl, exists };
    };
    return new DnsWatch(name, lookup, settings, listener, deps);
  },
};
