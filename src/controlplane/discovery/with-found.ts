import type { ServerConfig } from "../../config/schema.ts";
import { serverId } from "../../config/slots.ts";

/**
 * The servers of the configuration, and behind them those that were found, as far as they are others: where an address
 * or an id is there twice, the configuration wins over what was found, and the first over later ones.
 */
export function withFound(configured: readonly ServerConfig[], found: readonly ServerConfig[]): ServerConfig[] {
  const addresses = new Set(configured.map(({ address }) => address.toLowerCase()));
  const ids = new Set(configured.map(serverId));
  const all = [...configured];
  for (const server of found) {
    const address = server.address.toLowerCase();
    if (addresses.has(address) || ids.has(serverId(server))) continue;
    addresses.add(address);
    ids.add(serverId(server));
    all.push(server);
  }
  return all;
}
