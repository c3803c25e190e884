import { compileCidrs } from "../net/cidr.ts";
import { HostMatcher, parseHostPattern, type HostPattern } from "./host-pattern.ts";
import { parsePathPattern, PathMatcher, type PathPattern } from "./path-pattern.ts";
import { queryValue } from "./query.ts";
import type { MatchInput, RouteInput, RouteRequest } from "./route-match.ts";
import { ValueCondition } from "./value-condition.ts";

/** One route's conditions, ready to be tried. An empty or absent list of the configuration is no condition. */
export class CompiledRoute {
  /** True when every request matches. */
  readonly catchAll: boolean;
  readonly hosts: readonly HostPattern[];
  readonly paths: readonly PathPattern[];
  private readonly input: MatchInput;
  private readonly host: HostMatcher | undefined;
  private readonly path: PathMatcher | undefined;
  private readonly methods: readonly string[];
  private readonly headers: readonly ValueCondition[];
  private readonly cookies: readonly ValueCondition[];
  private readonly query: readonly ValueCondition[];
  private readonly sni: HostMatcher | undefined;
  private readonly client: ((address: string) => boolean) | undefined;

  /** @throws Error that says which condition cannot be compiled and why */
  constructor(route: RouteInput) {
    const match = route.match ?? {};
    this.input = match;
    this.hosts = (match.host ?? []).map(parseHostPattern);
    this.paths = (match.path ?? []).map(parsePathPattern);
    this.host = this.hosts.length === 0 ? undefined : new HostMatcher(this.hosts);
    this.path = this.paths.length === 0 ? undefined : new PathMatcher(this.paths);
    // Nobody means the extension method "get" when a route says it.
    this.methods = (match.methods ?? []).map((method) => method.toUpperCase());
    this.headers = conditions("header", match.headers, (name) => name.toLowerCase());
    this.cookies = conditions("cookie", match.cookies);
    this.query = conditions("query parameter", match.query);
    const names = (match.sni ?? []).map(parseHostPattern);
    this.sni = names.length === 0 ? undefined : new HostMatcher(names);
    this.client = match.client === undefined || match.client.length === 0 ? undefined : compileCidrs(match.client);
    this.catchAll =
      this.host === undefined &&
      this.path === undefined &&
      this.methods.length === 0 &&
      this.headers.length === 0 &&
      this.cookies.length === 0 &&
      this.query.length === 0 &&
      this.sni === undefined &&
      this.client === undefined;
  }

  /** Whether all conditions hold, the cheap ones first. */
  matches(request: RouteRequest): boolean {
    if (this.path !== undefined && !this.path.matches(request.path)) return false;
    if (this.host !== undefined && !this.host.matches(request.host)) return false;
    if (this.methods.length !== 0 && !this.methods.includes(request.method)) return false;
    if (this.sni !== undefined && !this.sni.matches(request.sni ?? "")) return false;
    for (const header of this.headers) if (!header.holds(request.get(header.name))) return false;
    for (const cookie of this.cookies) if (!cookie.holds(request.cookie(cookie.name))) return false;
    for (const query of this.query) if (!query.holds(queryValue(request.query, query.name))) return false;
    return this.client === undefined || this.client(request.clientAddress());
  }

  /** Why the route does not match: one text for each condition that does not hold; empty when it matches. */
  explain(request: RouteRequest): string[] {
    const { input } = this;
    const reasons: string[] = [];
    if (this.host !== undefined && !this.host.matches(request.host)) {
      reasons.push(`host ${request.host || "(none)"} ≠ ${(input.host ?? []).join(", ")}`);
    }
    if (this.path !== undefined && !this.path.matches(request.path)) {
      reasons.push(`path ${request.path} ≠ ${(input.path ?? []).join(", ")}`);
    }
    if (this.methods.length !== 0 && !this.methods.includes(request.method)) {
      reasons.push(`method ${request.method} ≠ ${this.methods.join(", ")}`);
    }
    if (this.sni !== undefined && !this.sni.matches(request.sni ?? "")) {
      reasons.push(`sni ${request.sni || "(none)"} ≠ ${(input.sni ?? []).join(", ")}`);
    }
    const compare = (what: string, condition: ValueCondition, value: string | undefined) => {
      if (condition.holds(value)) return;
      reasons.push(
        `${what} ${condition.name}: ${value === undefined ? "absent" : `"${value}"`}, wanted "${condition.text}"`,
      );
    };
    for (const condition of this.headers) compare("header", condition, request.get(condition.name));
    for (const condition of this.cookies) compare("cookie", condition, request.cookie(condition.name));
    for (const condition of this.query) compare("query", condition, queryValue(request.query, condition.name));
    if (this.client !== undefined && !this.client(request.clientAddress())) {
      reasons.push(`client ${request.clientAddress()} is not in ${(input.client ?? []).join(", ")}`);
    }
    return reasons;
  }
}

function conditions(
  where: string,
  wanted: Readonly<Record<string, string>> | undefined,
  spell: (name: string) => string = (name) => name,
): ValueCondition[] {
  return Object.entries(wanted ?? {}).map(([name, text]) => new ValueCondition(where, spell(name), text));
}
