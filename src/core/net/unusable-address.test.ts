import { expect, it } from "vitest";
import { isUnusableAddress } from "./unusable-address.ts";

it.each([
  "0.0.0.0",
  "0.1.2.3",
  "::",
  "0:0:0:0:0:0:0:0",
  "::ffff:0.0.0.0",
  "224.0.0.1",
  "239.255.255.255",
  "ff02::1",
  "255.255.255.255",
])("%s is no server's address", (host) => expect(isUnusableAddress(host)).toBe(true));

it.each(["127.0.0.1", "::1", "10.0.0.1", "192.0.2.1", "223.255.255.255", "240.0.0.1", "fd00::1", "0.example", "web"])(
  "%s may be one",
  (host) => expect(isUnusableAddress(host)).toBe(false),
);
