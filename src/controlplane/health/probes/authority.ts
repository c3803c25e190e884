import type { ProbeAddress } from "../../../core/health/probe.ts";

/** The value of Host for a server: `host`, `host:port`, `[v6]:port`; "localhost" for a unix socket. */
export function authorityOf(address: ProbeAddress, defaultPort: number): string {
  if (address.kind === "unix") return "localhost";
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return address.port === defaultPort ? host : `${host}:${address.port}`;
}

/** An address as people write it. */
export function addressText(address: ProbeAddress): string {
  return address.kind === "unix" ? `unix:${address.path}` : authorityOf(address, -1);
}
