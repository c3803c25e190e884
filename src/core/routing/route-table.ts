import { CompiledRoute } from "./compiled-route.ts";
import { PathIndex } from "./path-index.ts";
import type { RouteInput, RouteRequest } from "./route-match.ts";

/** What became of one route when a request was matched. */
export interface RouteExplanation {
  /** Position of the route. */
  readonly index: number;
  /** True for the one route that the request takes. */
  readonly taken: boolean;
  /** Why it does not take it; empty for the one that does. */
  readonly reasons: readonly string[];
}

/** Up to this many routes, trying one after the other costs less than the index (bench/micro/routing.ts). */
const LINEAR_LIMIT = 4;

/**
 * A listener's routes, compiled. A request takes the first route whose conditions all hold. In longer tables the
 * routes are found by host and by the leading segments of their paths; the answer is the same.
 */
export class RouteTable {
  private readonly routes: readonly CompiledRoute[];
  /** A route that matches everything ends the table: those behind it are never reached. */
  private readonly end: number;
  private readonly exactHosts = new Map<string, PathIndex>();
  /** By what stands behind the star, with its leading dot. */
  private readonly hostSuffixes = new Map<string, PathIndex>();
  /** Routes without a host, or with one that can only be tried: `example.*` and `*`. */
  private readonly anyHost: PathIndex;

  constructor(routes: readonly CompiledRoute[]) {
    this.routes = routes;
    const catchAll = routes.findIndex((route) => route.catchAll);
    this.end = catchAll < 0 ? routes.length : catchAll;
    this.anyHost = new PathIndex(routes);
    if (this.end > LINEAR_LIMIT) this.fillIndex();
  }

  /** How many routes there are. */
  get size(): number {
    return this.routes.length;
  }

  /** The position of the route that the request takes; -1 when none matches. */
  match(request: RouteRequest): number {
    const { end } = this;
    const found = end > LINEAR_LIMIT ? this.matchIndexed(request) : this.matchLinear(request);
    // The end is the position of the route that matches everything, or one past the last.
    return found < end || end < this.routes.length ? found : -1;
  }

  /** For each route, in order, why the request takes it or not. For people: not for the request path. */
  explain(request: RouteRequest): RouteExplanation[] {
    let taken = -1;
    return this.routes.map((route, index) => {
      const reasons = route.explain(request);
      if (reasons.length > 0) return { index, taken: false, reasons };
      if (taken >= 0) return { index, taken: false, reasons: [`route ${taken} matches and comes first`] };
      taken = index;
      return { index, taken: true, reasons };
    });
  }

  private matchLinear(request: RouteRequest): number {
    const { end, routes } = this;
    for (let index = 0; index < end; index++) if (routes[index].matches(request)) return index;
    return end;
  }

  private matchIndexed(request: RouteRequest): number {
    const { host } = request;
    let found = this.end;
    const exact = this.exactHosts.get(host);
    if (exact !== undefined) found = exact.search(request, found);
    if (this.hostSuffixes.size !== 0) {
      for (let dot = host.indexOf(".", 1); dot >= 0; dot = host.indexOf(".", dot + 1)) {
        const below = this.hostSuffixes.get(host.slice(dot));
        if (below !== undefined) found = below.search(request, found);
      }
    }
    return this.anyHost.search(request, found);
  }

  private fillIndex(): void {
    for (let position = 0; position < this.end; position++) {
      const { hosts } = this.routes[position];
      if (hosts.length === 0) this.anyHost.add(position);
      for (const host of hosts) {
        if (host.kind === "exact") this.indexOf(this.exactHosts, host.text).add(position);
        else if (host.kind === "suffix") this.indexOf(this.hostSuffixes, host.text).add(position);
        else this.anyHost.add(position);
      }
    }
  }

  private indexOf(groups: Map<string, PathIndex>, key: string): PathIndex {
    let group = groups.get(key);
    if (group === undefined) {
      group = new PathIndex(this.routes);
      groups.set(key, group);
    }
    return group;
  }
}

/**
 * Compiles a listener's routes.
 *
 * @throws Error that names the route by its position and says which condition is wrong and why
 */
export function compileRoutes(routes: readonly RouteInput[]): RouteTable {
  return new RouteTable(
    routes.map((route, index) => {
      try {
        return new CompiledRoute(route);
      } catch (error) {
        throw new Error(`route ${index}: ${(error as Error).message}`, { cause: error });
      }
    }),
  );
}
