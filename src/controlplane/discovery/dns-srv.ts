import { Type, type Static } from "typebox";
import { Text } from "../../config/fields.ts";
import type { DiscoveryDefinition } from "../../core/discovery/discovery.ts";
import { StubResolver } from "./dns/dns-client.ts";
import { dnsSettings, refreshProblem, serverSettings } from "./dns/dns-settings.ts";
import { DnsWatch, type Found } from "./dns/dns-watch.ts";
import { lookupServices } from "./dns/lookup-services.ts";

const DnsSrvSchema = Type.Object({
  name: Text("dnsName", "name of the service, as _http._tcp.example.com; absolute: no search list is applied"),
  ...serverSettings,
  ...dnsSettings,
});
type DnsSrvSettings = Static<typeof DnsSrvSchema>;

/** Servers from SRV records, with their ports, weights and priorities (RFC 2782). */
export const dnsSrv: DiscoveryDefinition<DnsSrvSettings> = {
  kind: "discovery",
  name: "dns_srv",
  summary: "Servers with port, weight and priority from the SRV records that the DNS gives for a service.",
  schema: DnsSrvSchema,
  problem: refreshProblem,
  watch(settings, listener, deps) {
    const { name, zone, maxConnections, backup, family } = settings;
    const client = new StubResolver(settings.resolvers, settings.timeout);
    /** Target → its addresses when they were last known. */
    const known = new Map<string, readonly string[]>();
    const lookup = async (signal: AbortSignal): Promise<Found> => {
      const { servers, ...rest } = await lookupServices(client, name, family, known, signal);
      return { ...rest, servers: servers.map((server) => ({ ...server, zone, maxConnections, backup })) };
    };
    return new DnsWatch(name, lookup, settings, listener, deps);
  },
};
