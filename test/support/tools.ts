import { accessSync, appendFileSync, constants, globSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs that scenarios need beside Node. */
export type Tool =
  | "nginx"
  | "python3"
  | "wrk"
  | "curl"
  | "chromium"
  | "dnsmasq"
  | "redis-server"
  | "postgres"
  | "initdb"
  | "h2load"
  | "nghttp"
  | "nghttpd"
  | "openssl"
  | "testssl"
  | "haproxy"
  | "pebble"
  | "mariadbd"
  | "mariadb-install-db";

/**
 * True when the tool is missing here and tests that need it have to be skipped; the skip is named at the end of
 * `npm test`. Under CI=true a missing tool is an error instead.
 */
export function missing(tool: Tool, what: string): boolean {
  if (findTool(tool) !== undefined) return false;
  if (process.env["CI"] === "true")
    throw new Error(`${tool} is not installed, and CI=true allows no skipped test: ${what}`);
  const list = process.env["EVENKEEL_TEST_SKIPS"];
  if (list !== undefined) appendFileSync(list, `${what} (${tool} is not installed)\n`);
  return true;
}

/** The program's path, from the PATH or the system's own folders. */
export function findTool(tool: Tool): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  // Debian keeps the programs of PostgreSQL's versions apart, and off the PATH.
  for (const folder of [...folders, "/usr/sbin", "/usr/bin", ...globSync("/usr/lib/postgresql/*/bin")]) {
    const path = join(folder, tool);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** The program's path; throws when it is missing. */
export function tool(name: Tool): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}
