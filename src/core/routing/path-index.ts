import type { CompiledRoute } from "./compiled-route.ts";
import type { PathPattern } from "./path-pattern.ts";
import type { RouteRequest } from "./route-match.ts";

/** A node of the tree of path segments. Lists hold positions of routes in the table, ascending. */
interface Node {
  /** Routes whose sure segments end here: they may match this path and those below. */
  readonly below: number[];
  /** Routes with exactly this path. */
  readonly exact: number[];
  children: Map<string, Node> | undefined;
}

/**
 * Some of a table's routes, found by the leading literal segments of their paths. Routes without a path, or with a
 * regular expression, stand at the root.
 */
export class PathIndex {
  private readonly routes: readonly CompiledRoute[];
  private readonly root: Node = { below: [], exact: [], children: undefined };

  /** @param routes all routes of the table; `add` takes positions in it */
  constructor(routes: readonly CompiledRoute[]) {
    this.routes = routes;
  }

  /** Positions must come in ascending order; a repetition is ignored. */
  add(position: number): void {
    const { paths } = this.routes[position];
    if (paths.length === 0) append(this.root.below, position);
    for (const path of paths) append(this.listFor(path), position);
  }

  /**
   * The position of the first route that matches, if it comes before `best`; else `best`. Each list is ascending, so
   * looking through it ends at the first match and at `best`.
   */
  search(request: RouteRequest, best: number): number {
    const { path } = request;
    let node = this.root;
    let found = this.searchList(node.below, request, best);
    if (node.children === undefined || path.charCodeAt(0) !== 47) return found;
    for (let start = 1; ;) {
      const slash = path.indexOf("/", start);
      const child = node.children?.get(slash < 0 ? path.slice(start) : path.slice(start, slash));
      if (child === undefined) return found;
      node = child;
      found = this.searchList(node.below, request, found);
      if (slash < 0) return this.searchList(node.exact, request, found);
      start = slash + 1;
    }
  }

  private searchList(list: readonly number[], request: RouteRequest, best: number): number {
    for (let at = 0; at < list.length; at++) {
      const position = list[at];
      if (position >= best) return best;
      if (this.routes[position].matches(request)) return position;
    }
    return best;
  }

  private listFor(pattern: PathPattern): number[] {
    let node = this.root;
    for (const segment of pattern.segments) {
      node.children ??= new Map();
      let child = node.children.get(segment);
      if (child === undefined) {
        child = { below: [], exact: [], children: undefined };
        node.children.set(segment, child);
      }
      node = child;
    }
    return pattern.kind === "exact" ? node.exact : node.below;
  }
}

function append(list: number[], position: number): void {
  if (list.at(-1) !== position) list.push(position);
}
