import { getServers } from "node:dns";
import { parseResolverAddress } from "../../../config/address.ts";

/** Where a resolver listens: an IP address and a port. */
export interface ResolverAddress {
  readonly host: string;
  readonly port: number;
}

/** These resolvers; those of the system when there are none. Texts that are no addresses are left out. */
export function resolversOf(texts: readonly string[]): ResolverAddress[] {
  const list = texts.length > 0 ? texts : getServers();
  return list.map(parseResolverAddress).filter((address) => address !== undefined);
}
