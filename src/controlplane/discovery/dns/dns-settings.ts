import { Type } from "typebox";
import { duration, Flag, Name, stringList, timeout } from "../../../config/fields.ts";
import { families, type Family } from "./lookup-addresses.ts";

/** Settings that the sources which ask the DNS have in common. */
export const dnsSettings = {
  family: Type.Unsafe<Family>({
    type: "string",
    enum: families,
    default: "auto",
    description: "addresses that count; auto: the IPv4 ones, or the IPv6 ones where there are none of these",
  }),
  resolvers: stringList(
    "resolvers to ask, one after the other: addresses, with port if not 53; default: the system's",
    {
      default: [],
      check: "resolver",
    },
  ),
  timeout: timeout("2s", "time for one attempt at one resolver; each is tried twice"),
  minRefresh: timeout("1s", "never asked more often, however short the time to live"),
  maxRefresh: timeout("60s", "asked at least so often, however long the time to live"),
  emptyAfter: duration(
    "30s",
    "how long the name must have had no addresses before that is believed; until then the servers stay",
  ),
  allowMetadata: Flag(false, "take addresses of cloud metadata services such as 169.254.169.254 as well"),
} as const;

/** What all servers of a source get that does not know it itself. */
export const serverSettings = {
  zone: Type.Optional(Name("where the servers stand")),
  maxConnections: Type.Integer({
    default: 0,
    minimum: 0,
    description: "most requests in flight per server; 0 is no limit",
  }),
  backup: Flag(false, "the servers take requests only while no other one is ready"),
} as const;

/** Why times of refreshing do not go together. */
export function refreshProblem(settings: { readonly minRefresh: number; readonly maxRefresh: number }) {
  return settings.minRefresh > settings.maxRefresh ? "`minRefresh` is above `maxRefresh`" : undefined;
}
