import type { LooseConfig } from "./loose-config.ts";
import type { ConfigPath } from "./problem.ts";
import { looksSlow } from "./regex.ts";
import { unknownPool } from "./unknown-pool.ts";
import type { Visit } from "./visit.ts";

type LooseRoute = NonNullable<
  NonNullable<NonNullable<NonNullable<LooseConfig["listeners"]>[string]>["routes"]>[number]
>;

const DESTINATIONS = ["pool", "split", "redirect", "respond"] as const;

/** That every route goes to one place that exists, and can be reached. Returns the pools that routes lead to. */
export function checkRoutes(config: LooseConfig, visit: Visit): ReadonlySet<string> {
  const used = new Set<string>();
  const pools = Object.keys(config.pools ?? {});
  const usePool = (name: string | undefined, path: ConfigPath) => {
    if (name === undefined) return;
    used.add(name);
    if (!pools.includes(name)) visit.error(path, unknownPool(name, pools));
  };
  for (const [name, listener] of Object.entries(config.listeners ?? {})) {
    const path = ["listeners", name];
    const routes = listener?.routes ?? [];
    usePool(listener?.pool, [...path, "pool"]);
    if (listener !== undefined && routes.length === 0 && listener.pool === undefined) {
      visit.warn(path, "the listener has neither routes nor a pool: it answers 404", "key");
    }
    const names = new Set<string>();
    let catchAll: number | undefined;
    for (const [index, route] of routes.entries()) {
      if (route === undefined) continue;
      const here = [...path, "routes", index];
      if (catchAll !== undefined) visit.warn(here, `never reached: routes[${catchAll}] takes everything before it`);
      else if (matchesEverything(route)) catchAll = index;
      if (route.name !== undefined && names.has(route.name))
        visit.error([...here, "name"], "another route has this name");
      if (route.name !== undefined) names.add(route.name);
      checkRoute(route, here, visit);
      usePool(route.pool, [...here, "pool"]);
      for (const [part, share] of (route.split ?? []).entries()) usePool(share?.pool, [...here, "split", part, "pool"]);
    }
    if (catchAll !== undefined && listener?.pool !== undefined) {
      visit.warn([...path, "pool"], `never reached: routes[${catchAll}] takes everything before it`, "key");
    }
  }
  return used;
}

function checkRoute(route: LooseRoute, path: ConfigPath, visit: Visit): void {
  const given = DESTINATIONS.filter((key) => route[key] !== undefined);
  if (given.length === 0) visit.error(path, "a route needs one of pool, split, redirect, respond");
  if (given.length > 1)
    visit.error(path, `a route has only one of pool, split, redirect, respond, not ${given.join(" and ")}`);
  if (route.split !== undefined && route.split.length > 0 && route.split.every((share) => share?.weight === 0)) {
    visit.error([...path, "split"], "at least one weight must be above 0");
  }
  checkRewrite(route, path, visit);
  const { match } = route;
  const patterns: [ConfigPath, string | undefined][] = [
    ...(match?.path ?? []).map((text, index): [ConfigPath, string | undefined] => [["path", index], text]),
    ...(["headers", "cookies", "query"] as const).flatMap((key) =>
      Object.entries(match?.[key] ?? {}).map(([name, text]): [ConfigPath, string | undefined] => [[key, name], text]),
    ),
  ];
  for (const [where, text] of patterns) {
    if (text?.startsWith("~") && looksSlow(text)) warnSlow([...path, "match", ...where], visit);
  }
  if (route.rewrite?.regex !== undefined && looksSlow(route.rewrite.regex))
    warnSlow([...path, "rewrite", "regex"], visit);
}

function warnSlow(path: ConfigPath, visit: Visit): void {
  visit.warn(path, "a repetition within a repetition: this may take very long on some requests");
}

function checkRewrite(route: LooseRoute, path: ConfigPath, visit: Visit): void {
  const here = [...path, "rewrite"];
  const { rewrite } = route;
  if (rewrite !== undefined) {
    if (rewrite.regex !== undefined && rewrite.to === undefined) visit.error(here, "`regex` needs `to`");
    if (rewrite.to !== undefined && rewrite.regex === undefined) visit.error(here, "`to` needs `regex`");
    const ways = [
      rewrite.path !== undefined && "path",
      rewrite.regex !== undefined && "regex",
      (rewrite.stripPrefix !== undefined || rewrite.addPrefix !== undefined) && "stripPrefix or addPrefix",
    ].filter((way) => way !== false);
    if (ways.length > 1) visit.error(here, `the path is rewritten in one way only, not by ${ways.join(" and ")}`);
    if (route.redirect !== undefined || route.respond !== undefined) {
      visit.error(here, "nothing is rewritten in a route with redirect or respond");
    }
  }
  const { redirect } = route;
  if (redirect?.path !== undefined && (redirect.stripPrefix !== undefined || redirect.addPrefix !== undefined)) {
    visit.error(
      [...path, "redirect"],
      "`path` replaces the whole path: stripPrefix and addPrefix have no effect with it",
    );
  }
}

function matchesEverything(route: LooseRoute): boolean {
  const { match } = route;
  if (match === undefined) return true;
  const { path, host, sni, ...others } = match;
  const anyPath = path === undefined || path.some((pattern) => pattern === "/*" || pattern === "/**");
  const anyHost = (host === undefined || host.includes("*")) && (sni === undefined || sni.includes("*"));
  const rest = Object.values(others);
  const hasConditions = rest.some((value) => value !== undefined && Object.keys(value).length > 0);
  return anyPath && anyHost && !hasConditions;
}
