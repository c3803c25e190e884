import { formatPath, type ConfigPath } from "./problem.ts";
import { AdminSchema, type Config, type ServerConfig } from "./schema.ts";
import { schemaNode } from "./schema-node.ts";
import { namesSecret } from "./secret-names.ts";
import { serverId } from "./slots.ts";
import { isRecord } from "./visit.ts";

/** One difference between two configurations. */
export interface Change {
  readonly kind: "added" | "removed" | "changed";
  /** `pools.web.algorithm.name`; for servers with their id: `pools.web.servers[127.0.0.1:9001].weight`. */
  readonly path: string;
  /** For people, one line, without secrets: `pools.web.servers: + 127.0.0.1:9003`. */
  readonly text: string;
}

const SECRETS = new Set(
  Object.entries(schemaNode(AdminSchema).properties ?? {}).flatMap(([key, { "x-secret": secret }]) =>
    secret ? [`admin.${key}`] : [],
  ),
);

function hideSecrets(key: string, value: unknown): unknown {
  return namesSecret(key) ? "(secret)" : value;
}

/** What differs between two normalised configurations, in the order of the later one. Empty when nothing does. */
export function diffConfig(before: Config, after: Config): Change[] {
  const changes: Change[] = [];
  compare(before, after, [], changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: ConfigPath, changes: Change[]): void {
  if (Object.is(before, after)) return;
  if (isServerList(path) && Array.isArray(before) && Array.isArray(after)) {
    compareServers(before as ServerConfig[], after as ServerConfig[], path, changes);
  } else if (isTextList(before) && isTextList(after)) compareTexts(before, after, path, changes);
  else if (Array.isArray(before) && Array.isArray(after)) compareLists(before, after, path, changes);
  else if (isRecord(before) && isRecord(after)) compareRecords(before, after, path, changes);
  else add(changes, "changed", path, `${show(before, path)} → ${show(after, path)}`);
}

function compareRecords(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  path: ConfigPath,
  changes: Change[],
): void {
  for (const [key, value] of Object.entries(after)) {
    const here = [...path, key];
    if (Object.hasOwn(before, key)) compare(before[key], value, here, changes);
    else if (isNamedThing(path)) add(changes, "added", path, `+ ${key}`);
    else add(changes, "added", here, `+ ${show(value, here)}`);
  }
  for (const [key, value] of Object.entries(before)) {
    if (Object.hasOwn(after, key)) continue;
    const here = [...path, key];
    if (isNamedThing(path)) add(changes, "removed", path, `- ${key}`);
    else add(changes, "removed", here, `- ${show(value, here)}`);
  }
}

/** Listeners and pools: their names say enough. */
function isNamedThing(path: ConfigPath): boolean {
  return path.length === 1 && (path[0] === "listeners" || path[0] === "pools");
}

function isServerList(path: ConfigPath): boolean {
  return path.length === 3 && path[0] === "pools" && path[2] === "servers";
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function compareServers(
  before: readonly ServerConfig[],
  after: readonly ServerConfig[],
  path: ConfigPath,
  changes: Change[],
): void {
  const earlier = new Map(before.map((server) => [serverId(server), server]));
  const later = new Map(after.map((server) => [serverId(server), server]));
  for (const [id, server] of later) {
    const old = earlier.get(id);
    if (old === undefined) add(changes, "added", path, `+ ${describe(server)}`);
    else compareRecords({ ...old }, { ...server }, [...path, id], changes);
  }
  for (const [id, server] of earlier) if (!later.has(id)) add(changes, "removed", path, `- ${describe(server)}`);
  if (changesOnlyOrder([...earlier.keys()], [...later.keys()])) add(changes, "changed", path, "another order");
}

function describe(server: ServerConfig): string {
  return server.id === undefined ? server.address : `${server.id} (${server.address})`;
}

function compareTexts(before: readonly string[], after: readonly string[], path: ConfigPath, changes: Change[]): void {
  for (const text of after) if (!before.includes(text)) add(changes, "added", path, `+ ${show(text, path)}`);
  for (const text of before) if (!after.includes(text)) add(changes, "removed", path, `- ${show(text, path)}`);
  const isSame = before.length === after.length && before.every((text, index) => text === after[index]);
  if (!isSame && new Set(before).symmetricDifference(new Set(after)).size === 0)
    add(changes, "changed", path, "another order");
}

function changesOnlyOrder(before: readonly string[], after: readonly string[]): boolean {
  if (before.length !== after.length || new Set(before).symmetricDifference(new Set(after)).size > 0) return false;
  return before.some((id, index) => id !== after[index]);
}

/** Lists whose order matters: by position. */
function compareLists(
  before: readonly unknown[],
  after: readonly unknown[],
  path: ConfigPath,
  changes: Change[],
): void {
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const here = [...path, index];
    if (index >= before.length) add(changes, "added", here, `+ ${show(after[index], here)}`);
    else if (index >= after.length) add(changes, "removed", here, `- ${show(before[index], here)}`);
    else compare(before[index], after[index], here, changes);
  }
}

function show(value: unknown, path: ConfigPath): string {
  if (SECRETS.has(path.join(".")) || path.some((step) => namesSecret(String(step)))) return "(secret)";
  if (path.length === 1 && path[0] === "admin") return value === false ? "off" : "on";
  const text =
    typeof value === "string" && /^[\x21\x23-\x7e]+$/.test(value) ? value : JSON.stringify(value, hideSecrets);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

function add(changes: Change[], kind: Change["kind"], path: ConfigPath, what: string): void {
  const where = formatPath(path);
  changes.push({ kind, path: where, text: `${where}: ${what}` });
}
