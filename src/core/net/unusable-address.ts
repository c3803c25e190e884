import { compileCidrs } from "./cidr.ts";

/*
 * "This network" (RFC 1122 section 3.2.1.3), multicast (RFC 1112, RFC 4291 section 2.7) and broadcast. The kernel takes
 * 0.0.0.0 and :: as a destination for the machine itself: a zone that "blocks" a name that way would turn traffic on
 * whatever listens here, the balancer included.
 */
const isUnusable = compileCidrs(["0.0.0.0/8", "::/128", "224.0.0.0/4", "255.255.255.255", "ff00::/8"]);

/** True for IP addresses, in whatever spelling, at which there can be no single other machine. */
export function isUnusableAddress(host: string): boolean {
  return isUnusable(host);
}
