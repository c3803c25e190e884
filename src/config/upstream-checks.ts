import { parseServerAddress } from "./address.ts";
import type { LooseConfig } from "./loose-config.ts";
import type { ConfigPath } from "./problem.ts";
import type { Visit } from "./visit.ts";

type LoosePool = NonNullable<NonNullable<LooseConfig["pools"]>[string]>;
type LooseUpstream = NonNullable<LoosePool["upstream"]>;

/** That what a pool says about the protocol to its servers and about TLS fits together. */
export function checkUpstreams(pools: NonNullable<LooseConfig["pools"]>, visit: Visit): void {
  for (const [name, pool] of Object.entries(pools)) {
    if (pool?.upstream === undefined) continue;
    const path = ["pools", name, "upstream"];
    checkProtocol(pool.upstream, path, visit);
    checkTls(pool, pool.upstream, path, visit);
    checkHealthChecks(pool, pool.upstream, ["pools", name], visit);
  }
}

function checkProtocol({ protocol, tls }: LooseUpstream, path: ConfigPath, visit: Visit): void {
  if (tls === undefined) return;
  if (protocol === "h2c" && tls !== false)
    visit.error(
      [...path, "protocol"],
      "h2c is HTTP/2 without TLS: take `http2` for HTTP/2 over TLS, or leave `tls` out",
    );
  if (protocol === "http2" && tls === false)
    visit.error(
      [...path, "protocol"],
      "http2 is spoken over TLS: add `tls: {}`, or take `h2c` for HTTP/2 without encryption",
    );
  if (protocol === "auto" && tls === false)
    visit.error(
      [...path, "protocol"],
      "auto lets the TLS handshake decide: add `tls: {}`, or name what the servers speak, `http1` or `h2c`",
    );
}

function checkTls({ servers }: LoosePool, { tls }: LooseUpstream, path: ConfigPath, visit: Visit): void {
  if (tls === undefined || tls === false) return;
  const here = [...path, "tls"];
  if (tls.cert !== undefined && tls.key === undefined)
    visit.error([...here, "cert"], "the private key is missing: add `key`", "key");
  if (tls.key !== undefined && tls.cert === undefined)
    visit.error([...here, "key"], "the certificate is missing: add `cert`", "key");
  if (tls.verify === false) {
    visit.warn(
      [...here, "verify"],
      "the servers' certificates are not checked: whoever sits between can read and change all",
    );
    if (tls.ca !== undefined && tls.ca.length > 0)
      visit.warn([...here, "ca"], "has no effect, because `verify` is off", "key");
    return;
  }
  if (tls.serverName === undefined && servers?.some((server) => isUnix(server?.address)) === true)
    visit.error(
      here,
      "a server at a unix socket has no name to be checked: add `serverName`, or turn `verify` off",
      "key",
    );
}

/** A check of type `http` speaks HTTP/1.1 in the clear, whatever the pool speaks. */
function checkHealthChecks(
  { healthCheck = [] }: LoosePool,
  upstream: LooseUpstream,
  path: ConfigPath,
  visit: Visit,
): void {
  const isEncrypted = upstream.tls !== undefined && upstream.tls !== false;
  if (!isEncrypted && upstream.protocol !== "h2c") return;
  for (const [index, check] of healthCheck.entries()) {
    // Elsewhere the servers may well speak something else.
    if (check?.type !== "http" || check.address !== undefined || check.port !== undefined) continue;
    const where = healthCheck.length === 1 ? [...path, "healthCheck"] : [...path, "healthCheck", index];
    const instead = isEncrypted ? "`https`, `tls` or `grpc`" : "`grpc` or `tcp`";
    visit.warn(where, `the check speaks HTTP/1.1 in the clear, the pool does not: ${instead} may be meant`, "key");
  }
}

function isUnix(address: string | undefined): boolean {
  if (address === undefined) return false;
  const parsed = parseServerAddress(address);
  return "address" in parsed && parsed.address.kind === "unix";
}
