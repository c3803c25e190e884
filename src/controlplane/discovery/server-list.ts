import { normaliseValue } from "../../config/normalise-value.ts";
import { parseSource } from "../../config/parse.ts";

import { formatPath, formatProblem, type ConfigPath, type Problem } from "../../config/problem.ts";
import { ServerSchema, type ServerConfig } from "../../config/schema.ts";
import { schemaNode } from "../../config/schema-node.ts";
import { isRecord, type Visit } from "../../config/visit.ts";
import type { DiscoveredServer } from "../../core/discovery/discovery.ts";

const serverSchema = schemaNode(ServerSchema);

/**
 * Reads a file's list of servers: a list, or an object with the key `servers`. Entries are as in the configuration.
 * One mistake makes the whole list unusable; the reason names the place of the first ones.
 */
export function readServerList(
  text: string,
  fileName: string,
): { readonly servers: readonly ServerConfig[] } | { readonly reason: string } {
  const source = parseSource(text, { fileName });
  if ("problems" in source) return { reason: linesOf(source.problems) };
  const { value, positions } = source;
  const isWrapped = isRecord(value) && "servers" in value && Object.keys(value).length === 1;
  const path = isWrapped ? ["servers"] : [];
  const list = isWrapped ? value.servers : value;
  if (!Array.isArray(list)) {
    return { reason: `${fileName}: must be a list of servers, or an object with the one key \`servers\`` };
  }
  const problems: Problem[] = [];
  const report = (where: ConfigPath, message: string, part: "key" | "value" = "value") => {
    problems.push({
      severity: "error",
      path: formatPath(where),
      message,
      file: fileName,
      ...positions.find(where, part),
    });
  };
  const servers = normaliseValue({ type: "array", items: serverSchema }, list, path, visitTo(report));
  return problems.length > 0 ? { reason: linesOf(problems) } : { servers: servers as ServerConfig[] };
}

/** A server that a source has named, checked as one of the configuration is, or why it cannot be used. */
export function checkServer(server: DiscoveredServer): ServerConfig | string {
  let reason: string | undefined;
  const result = normaliseValue(
    serverSchema,
    { ...server },
    [],
    visitTo((path, message) => (reason ??= path.length === 0 ? message : `${formatPath(path)}: ${message}`)),
  );
  return reason ?? (result as ServerConfig);
}

function visitTo(error: Visit["error"]): Visit {
  return { extensions: { algorithms: [], filters: [] }, isReplaced: () => false, error, warn: () => undefined };
}

/** The first few problems on one line. */
function linesOf(problems: readonly Problem[]): string {
  const shown = problems.slice(0, 3).map(formatProblem);
  return problems.length > shown.length ? `${shown.join("; ")}; and ${problems.length - 3} more` : shown.join("; ");
}
