import { expect, it } from "vitest";
import { isMetadataAddress } from "./metadata-address.ts";

it.each([
  "169.254.169.254",
  "169.254.170.2",
  "::ffff:169.254.169.254",
  "::ffff:a9fe:a9fe",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b::169.254.169.254",
  "fe80::a9fe:a9fe",
  "fe80::1%eth0",
  "fd00:ec2::254",
  "FD00:0EC2:0:0:0:0:0:254",
  "fd20:ce::254",
  "100.100.100.200",
  "168.63.129.16",
  "metadata.google.internal",
  "Metadata.Google.Internal.",
])("%s belongs to a metadata service", (host) => {
  expect(isMetadataAddress(host)).toBe(true);
});

it.each([
  "127.0.0.1",
  "10.0.0.1",
  "169.253.1.1",
  "fd00:ec3::1",
  "fd20:ce::1",
  "::1",
  "64:ff9b::a00:1",
  "example.com",
  "",
])("%s does not", (host) => {
  expect(isMetadataAddress(host)).toBe(false);
});
