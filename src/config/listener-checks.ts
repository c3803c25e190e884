import { isLoopback, parseListenAddress, type Address } from "./address.ts";
import type { LooseConfig } from "./loose-config.ts";
import { formatPath, type ConfigPath } from "./problem.ts";
import type { Visit } from "./visit.ts";

/** Most listeners at one time: the shared memory has room for their counters. */
export const MAX_LISTENERS = 64;

interface Bound {
  readonly address: Address;
  readonly path: ConfigPath;
}

/** That the listeners' addresses do not collide, and that the REST interface is not open to others without a token. */
export function checkListeners(config: LooseConfig, visit: Visit): void {
  const bound: Bound[] = [];
  const { admin } = config;
  if (admin !== undefined && admin !== false && admin.listen !== undefined) {
    const address = parsed(admin.listen);
    if (address !== undefined) {
      bound.push({ address, path: ["admin", "listen"] });
      if (!isLoopback(address) && admin.token === undefined) {
        visit.error(
          ["admin", "listen"],
          "a token is required when the REST interface can be reached from other machines",
        );
      }
    }
  }
  const listeners = Object.entries(config.listeners ?? {});
  if (listeners.length === 0) visit.warn(["listeners"], "there are no listeners: nothing accepts connections", "key");
  if (listeners.length > MAX_LISTENERS)
    visit.error(["listeners"], `there are ${listeners.length} listeners; at most ${MAX_LISTENERS} are possible`);
  for (const [name, listener] of listeners) {
    for (const [index, text] of (listener?.listen ?? []).entries()) {
      const address = text === undefined ? undefined : parsed(text);
      if (address === undefined) continue;
      const path = ["listeners", name, "listen", index];
      for (const other of bound) compare({ address, path }, other, visit);
      bound.push({ address, path });
    }
  }
}

function parsed(text: string): Address | undefined {
  const result = parseListenAddress(text);
  return "address" in result ? result.address : undefined;
}

function compare(one: Bound, other: Bound, visit: Visit): void {
  const [a, b] = [one.address, other.address];
  const where = formatPath(other.path);
  if (a.kind === "unix" || b.kind === "unix") {
    if (a.kind === "unix" && b.kind === "unix" && a.path === b.path)
      visit.error(one.path, `the address is taken by ${where}`);
    return;
  }
  if (a.port !== b.port || a.port === 0) return;
  if (canonical(a.host) === canonical(b.host)) visit.error(one.path, `the address is taken by ${where}`);
  else if (isWildcard(a.host) || isWildcard(b.host))
    visit.warn(one.path, `the port is also that of ${where}; the more exact address wins`);
}

function isWildcard(host: string): boolean {
  return canonical(host) === "" || host === "0.0.0.0";
}

/** One spelling for addresses that are bound alike: an empty host is every address, as `[::]` is. */
function canonical(host: string): string {
  if (host === "localhost") return "127.0.0.1";
  if (!host.includes(":")) return host;
  const v6 = new URL(`http://[${host}]`).hostname.slice(1, -1);
  return v6 === "::" ? "" : v6;
}
