import { repeatedNames, type Extensions } from "./extensions.ts";
import type { LooseConfig } from "./loose-config.ts";
import { checkMeaning } from "./meaning.ts";
import { normaliseValue } from "./normalise-value.ts";
import { plainCopy } from "./plain-copy.ts";
import { pathKey, type Positions } from "./positions.ts";
import { formatPath, hasErrors, sortProblems, type ConfigPath, type Problem } from "./problem.ts";
import { ConfigSchema, type Config, type ListenerConfig, type RouteConfig } from "./schema.ts";
import { schemaNode } from "./schema-node.ts";
import { substitute, type SubstitutionSources } from "./substitute.ts";
import type { Visit } from "./visit.ts";

/** What came of a configuration: `config` is there when no problem is an error. */
export interface ConfigResult {
  readonly config?: Config;
  readonly problems: readonly Problem[];
}

/** How to normalise. */
export interface NormaliseOptions {
  readonly extensions: Extensions;
  /** Named in problems. */
  readonly fileName?: string;
  /** Where things stand in the file. */
  readonly positions?: Positions;
  /** With these, `${…}` in texts is replaced; without, texts stay as they are. */
  readonly substitution?: SubstitutionSources;
}

/**
 * Checks a configuration as people write it and returns it with defaults filled in, units converted and short forms
 * written out. A normalised configuration comes out as it went in. Never throws; reports all problems at once.
 */
export function normaliseConfig(input: unknown, options: NormaliseOptions): ConfigResult {
  const problems: Problem[] = [];
  const failed = new Set<string>();
  let replaced: ReadonlySet<string> = new Set();

  const report = (
    severity: Problem["severity"],
    path: ConfigPath,
    message: string,
    part: "key" | "value" = "value",
  ) => {
    const position = options.positions?.find(path, part);
    const file = options.fileName === undefined ? {} : { file: options.fileName };
    problems.push({ severity, path: formatPath(path), message, ...file, ...position });
  };
  const isFailed = (path: ConfigPath) =>
    failed.size > 0 && path.some((_, index) => failed.has(pathKey(path.slice(0, index + 1))));
  const visit: Visit = {
    extensions: options.extensions,
    isReplaced: (path) => replaced.has(pathKey(path)),
    // A text whose substitution failed has been reported: what is wrong with its remains says nothing.
    error: (path, message, part) => isFailed(path) || report("error", path, message, part),
    warn: (path, message, part) => report("warning", path, message, part),
  };

  for (const name of repeatedNames(options.extensions)) visit.error(["modules"], `"${name}" is registered twice`);
  const copy = plainCopy(input ?? {}, visit.error);
  let value = copy;
  if (options.substitution !== undefined) {
    const result = substitute(copy, options.substitution);
    ({ value, replaced } = result);
    for (const problem of result.problems) {
      visit.error(problem.path, problem.message);
      failed.add(pathKey(problem.path));
    }
  }
  const loose = normaliseValue(schemaNode(ConfigSchema), value, [], visit) as LooseConfig | undefined;
  if (loose !== undefined) checkMeaning(loose, visit);
  if (loose === undefined || hasErrors(problems)) {
    // Warnings next to errors are often only their consequence: with `match` misspelt a route takes everything.
    return { problems: sortProblems(problems.filter(({ severity }) => severity === "error")) };
  }
  return { config: withFinalRoutes(loose as Config), problems: sortProblems(problems) };
}

function finalRoute(pool: string): RouteConfig {
  return { filters: [], importance: "normal", pool };
}

/** A listener's `pool` becomes its last route. Listeners keep their order. */
function withFinalRoutes(config: Config): Config {
  const listeners = Object.entries(config.listeners).map(([name, listener]): [string, ListenerConfig] => {
    const { pool, ...rest } = listener;
    return [name, pool === undefined ? listener : { ...rest, routes: [...listener.routes, finalRoute(pool)] }];
  });
  return { ...config, listeners: Object.fromEntries(listeners) };
}
