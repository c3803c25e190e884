import { normaliseValue } from "./normalise-value.ts";
import type { LooseConfig } from "./loose-config.ts";
import type { ConfigPath } from "./problem.ts";
import { schemaNode } from "./schema-node.ts";
import { ListenerSchema } from "./schema.ts";
import type { Visit } from "./visit.ts";

type LooseListener = NonNullable<NonNullable<LooseConfig["listeners"]>[string]>;
type LooseRoute = NonNullable<NonNullable<LooseListener["routes"]>[number]>;

/** What can be known of a connection that nobody decrypts. */
const MATCHES = new Set(["sni", "client"]);
const TLS_SETTINGS = new Set(["passthrough", "handshakeTimeout"]);
const LIMITS = new Set(["maxConnections", "tunnelIdleTimeout"]);
/** Hash keys that are there without a request's head. */
const HASH_KEYS = new Set(["client", "host"]);
const WHY = "with `passthrough` nothing is decrypted";

/** That listeners which pass TLS on are not asked for what only those that decrypt can do. */
export function checkPassthrough(config: LooseConfig, visit: Visit): void {
  for (const [name, listener] of Object.entries(config.listeners ?? {})) {
    if (listener === undefined) continue;
    const path = ["listeners", name];
    if (listener.tls?.passthrough === true) checkListener(config, listener, path, visit);
    else if (listener.tls === undefined) warnOfNames(listener, path, visit);
  }
}

function checkListener(config: LooseConfig, listener: LooseListener, path: ConfigPath, visit: Visit): void {
  const usual = usualListener();
  const compare = (key: "tls" | "limits", allowed: ReadonlySet<string>, report: (path: ConfigPath) => void) => {
    for (const [setting, value] of Object.entries(listener[key] ?? {})) {
      const isUsual = JSON.stringify(value) === JSON.stringify((usual[key] as Record<string, unknown>)[setting]);
      if (!allowed.has(setting) && value !== undefined && !isUsual) report([...path, key, setting]);
    }
  };
  compare("tls", TLS_SETTINGS, (where) =>
    visit.error(where, `${WHY}: the servers' own certificates and settings hold; remove \`${where.at(-1)}\``),
  );
  compare("limits", LIMITS, (where) => visit.warn(where, `no effect: ${WHY}`, "key"));
  // `off` is what it is anyway.
  if (listener.http2 !== false && JSON.stringify(listener.http2) !== JSON.stringify(usual.http2))
    visit.error([...path, "http2"], `${WHY}: clients and servers settle HTTP/2 among themselves; remove \`http2\``);
  if (listener.forwarded === true)
    visit.error([...path, "forwarded"], `${WHY}: no fields can be added; remove \`forwarded\``);
  if ((listener.trustedProxies ?? []).length > 0)
    visit.error([...path, "trustedProxies"], `${WHY}: no fields can be read; remove \`trustedProxies\``);
  for (const [index, route] of (listener.routes ?? []).entries())
    if (route !== undefined) checkRoute(route, [...path, "routes", index], visit);
  checkHashKeys(config, listener, visit);
}

function checkRoute(route: LooseRoute, path: ConfigPath, visit: Visit): void {
  for (const [key, value] of Object.entries(route.match ?? {})) {
    if (MATCHES.has(key) || value === undefined) continue;
    const instead = key === "host" ? "use `sni`" : "only `sni` and `client` can be matched";
    visit.error([...path, "match", key], `${WHY}: ${instead}`);
  }
  if ((route.filters ?? []).length > 0)
    visit.error([...path, "filters"], `${WHY}: there are no requests to filter; remove \`filters\``);
  for (const key of ["rewrite", "redirect", "respond"] as const)
    if (route[key] !== undefined)
      visit.error([...path, key], `${WHY}: a route leads to a pool or a split; remove \`${key}\``);
}

/** Pools that would put every connection on one server. */
function checkHashKeys(config: LooseConfig, listener: LooseListener, visit: Visit): void {
  const routes = listener.routes ?? [];
  const pools = [
    listener.pool,
    ...routes.flatMap((route) => [route?.pool, ...(route?.split ?? []).map((share) => share?.pool)]),
  ];
  for (const pool of new Set(pools)) {
    const algorithm = pool === undefined ? undefined : config.pools?.[pool]?.algorithm;
    const { key } = algorithm ?? {};
    if (pool === undefined || key === undefined || HASH_KEYS.has(key)) continue;
    visit.warn(
      ["pools", pool, "algorithm"],
      `\`key: ${key}\` needs a request's head, which a listener with \`passthrough\` does not see: there the client's address is the key`,
    );
  }
}

/** Without TLS no client asks for a name. */
function warnOfNames(listener: LooseListener, path: ConfigPath, visit: Visit): void {
  for (const [index, route] of (listener.routes ?? []).entries())
    if (route?.match?.sni !== undefined)
      visit.warn([...path, "routes", index, "match", "sni"], "the listener has no `tls`: no client asks for a name");
}

interface Listener {
  readonly tls: unknown;
  readonly limits: unknown;
  readonly http2: unknown;
}

let usual: Listener | undefined;

/** A listener as it is when nothing is said: what differs from it was written by somebody. */
function usualListener(): Listener {
  if (usual !== undefined) return usual;
  const silent: Visit = {
    extensions: { algorithms: [], filters: [] },
    isReplaced: () => false,
    error: () => undefined,
    warn: () => undefined,
  };
  const input = { listen: "127.0.0.1:1", tls: {} };
  usual = normaliseValue(schemaNode(ListenerSchema), input, [], silent) as Listener;
  return usual;
}
