import { parseAddress } from "./address.ts";
import { compileCidrs } from "./cidr.ts";

/*
 * Services of cloud providers that tell whoever asks from the machine itself its credentials. A name that leads there,
 * by mistake or by somebody's will, would hand them to clients of the balancer.
 */
const isMetadata = compileCidrs([
  // Link-local: EC2, GCE, Azure, OpenStack and most others answer at 169.254.169.254, ECS at 169.254.170.2.
  "169.254.0.0/16",
  "fe80::/10",
  // EC2 and EKS over IPv6, GCE over IPv6.
  "fd00:ec2::/32",
  "fd20:ce::254",
  // Alibaba Cloud, Oracle Cloud (older), Azure's host services.
  "100.100.100.200",
  "192.0.0.192",
  "168.63.129.16",
]);

const NAMES: ReadonlySet<string> = new Set(["metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"]);

/** Prefix by which NAT64 carries IPv4 addresses (RFC 6052): 64:ff9b::/96. */
const NAT64 = [0x0064ff9b, 0, 0];

/** True for an address (or one of the usual names) of a cloud's metadata service, in whatever spelling. */
export function isMetadataAddress(host: string): boolean {
  if (NAMES.has(host.toLowerCase().replace(/\.$/, ""))) return true;
  const address = parseAddress(host);
  if (address === undefined) return false;
  if (address.version === 6 && NAT64.every((word, at) => address.words[at] === word)) {
    const last = address.words[3]!;
    return isMetadata(`${last >>> 24}.${(last >>> 16) & 255}.${(last >>> 8) & 255}.${last & 255}`);
  }
  return isMetadata(host);
}
