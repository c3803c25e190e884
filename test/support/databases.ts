import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd } from "./cleanup.ts";
import { tool } from "./tools.ts";
import { within } from "./wait.ts";

/** As root, database servers run as nobody: they refuse root. */
const NOBODY = 65_534;
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** A folder that belongs to whom the servers run as; removed at the end of the test. */
export function serverFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-db-"));
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A file in such a folder that the servers may read. */
export function serverFile(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  if (user.uid !== undefined) chownSync(path, user.uid, user.gid);
  return path;
}

/** A server program that runs until the test ends or `stop` is called. */
export interface ServerProgram {
  readonly output: () => string;
  readonly stop: () => Promise<void>;
}

function start(program: string, args: readonly string[], folder: string): ServerProgram {
  const child: ChildProcess = spawn(program, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"], ...user });
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (data: Buffer) => (output += data.toString()));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    // For PostgreSQL this is a fast shutdown; the others take it as an order to end as well.
    if (child.exitCode === null && child.signalCode === null)
      child.kill(program.endsWith("postgres") ? "SIGINT" : "SIGTERM");
    await within(`the end of ${program}`, ended, 20_000);
  };
  atEnd(stop);
  return { output: () => output, stop };
}

function run(program: string, args: readonly string[], folder: string, input = ""): void {
  execFileSync(program, args, { cwd: folder, input, stdio: ["pipe", "pipe", "pipe"], ...user });
}

/** Redis without anything on disk. */
export function startRedis(port: number, ...settings: readonly string[]): ServerProgram {
  const folder = serverFolder();
  const basics = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  return start(tool("redis-server"), [...basics, ...settings], folder);
}

/** The folder of a new PostgreSQL cluster whose superuser is `admin` with the password `secret` (SCRAM-SHA-256). */
export function initPostgresql(): string {
  const folder = serverFolder();
  const data = join(folder, "data");
  const password = serverFile(folder, "password", "secret");
  const options = [
    "-U",
    "admin",
    "--pwfile",
    password,
    "--auth-host=scram-sha-256",
    "--auth-local=reject",
    "-E",
    "UTF8",
  ];
  run(tool("initdb"), ["-D", data, ...options, "--locale=C", "--no-sync"], folder);
  return data;
}

/** Runs statements, one per line, while the cluster's server is not running. */
export function singleUser(data: string, statements: string): void {
  run(tool("postgres"), ["--single", "-D", data, "postgres"], join(data, ".."), statements);
}

export function startPostgresql(data: string, port: number, ...settings: readonly string[]): ServerProgram {
  const basics = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", "", "-F"];
  return start(tool("postgres"), [...basics, ...settings.flatMap((setting) => ["-c", setting])], data);
}

/** The folder of a new MariaDB installation. */
export function initMariadb(): string {
  const folder = serverFolder();
  const data = join(folder, "data");
  mkdirSync(data);
  if (user.uid !== undefined) chownSync(data, user.uid, user.gid);
  run(
    tool("mariadb-install-db"),
    ["--no-defaults", `--datadir=${data}`, "--skip-test-db", "--auth-root-authentication-method=normal"],
    folder,
  );
  return data;
}

/** @param statements are run at the start, one per line */
export function startMariadb(
  data: string,
  port: number,
  statements: string,
  ...settings: readonly string[]
): ServerProgram {
  const folder = join(data, "..");
  const init = serverFile(folder, "init.sql", statements);
  const basics = [
    "--no-defaults",
    `--datadir=${data}`,
    `--port=${port}`,
    "--bind-address=127.0.0.1",
    `--socket=${folder}/s`,
  ];
  return start(tool("mariadbd"), [...basics, `--pid-file=${folder}/pid`, `--init-file=${init}`, ...settings], folder);
}
