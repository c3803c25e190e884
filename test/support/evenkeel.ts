import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { atEnd, onFailure } from "./cleanup.ts";
import { within, waitFor } from "./wait.ts";

const command = fileURLToPath(new URL("../../bin/evenkeel", import.meta.url));

/** How to start the program. */
export interface StartOptions {
  /** An object is written as JSON (with the admin listener on a free port when it names none), a string as YAML. */
  readonly config: string | Readonly<Record<string, unknown>>;
  /** Further files beside the configuration: name → text. */
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A running Evenkeel. It is stopped by itself when the test that started it ends. */
export class Evenkeel {
  /** Every line that the program wrote to stderr. */
  readonly log: string[] = [];
  /** Listener name → first URL of it, from the ready line. */
  readonly urls: Record<string, string> = {};
  /** The same as port numbers. */
  readonly ports: Record<string, number> = {};
  readonly folder: string;
  readonly configFile: string;
  readonly process: ChildProcess;
  /** Resolves with the exit code (or the signal's name) when the program has ended. */
  readonly exited: Promise<number | string>;
  private running = true;

  constructor(process: ChildProcess, folder: string, configFile: string) {
    this.process = process;
    this.folder = folder;
    this.configFile = configFile;
    this.exited = new Promise((resolve) => {
      process.once("close", (code, signal) => {
        this.running = false;
        resolve(code ?? signal ?? "unknown");
      });
    });
    createInterface({ input: process.stderr! }).on("line", (line) => this.log.push(line));
    process.stdout!.resume();
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** The first URL of the listener, without a slash at the end. */
  url(listener = "web"): string {
    const url = this.urls[listener];
    if (url === undefined) throw new Error(`no listener ${listener} in the ready line:\n${this.log.join("\n")}`);
    return url;
  }

  port(listener = "web"): number {
    this.url(listener);
    return this.ports[listener];
  }

  /** Waits for a line of the log that matches, from line number `from` on, and returns it. */
  waitForLog(pattern: RegExp, from = 0, timeout = 10_000): Promise<string> {
    return waitFor(
      `a log line like ${pattern} in:\n${this.log.join("\n")}`,
      () => this.log.slice(from).find((line) => pattern.test(line)),
      timeout,
    );
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  /** Replaces the configuration file; the program notices it by itself or gets SIGHUP from the test. */
  writeConfig(config: string | Readonly<Record<string, unknown>>): void {
    writeFileSync(this.configFile, text(config));
  }

  /** Calls the admin interface; throws on an answer other than 2xx. */
  async admin(path: string): Promise<unknown> {
    const response = await fetch(this.url("admin") + path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** Ends the program at once and removes its files. */
  async stop(): Promise<void> {
    if (this.running) this.process.kill("SIGKILL");
    await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Waits for the ready line and reads the addresses from it. */
  async ready(): Promise<this> {
    const line = await Promise.race([
      this.waitForLog(/^evenkeel ready:/, 0, 20_000),
      this.exited.then((code) => {
        throw new Error(`evenkeel ended with ${code} before it was ready:\n${this.log.join("\n")}`);
      }),
    ]);
    for (const [, name, url] of line.matchAll(/(\S+?)=(https?:\/\/[^\s,]+)/g)) {
      if (this.urls[name] !== undefined) continue;
      this.urls[name] = url.replace(/\/$/, "");
      this.ports[name] = Number(new URL(url).port);
    }
    return this;
  }
}

/** Starts `bin/evenkeel run` with a configuration of its own and waits until it is ready. */
export async function startEvenkeel(options: StartOptions): Promise<Evenkeel> {
  const evenkeel = spawnEvenkeel(options);
  return evenkeel.ready();
}

/** Starts it and does not wait: for tests of programs that are to fail. */
export function spawnEvenkeel(options: StartOptions): Evenkeel {
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-test-"));
  const configFile = join(folder, typeof options.config === "string" ? "evenkeel.yaml" : "evenkeel.json");
  for (const [name, content] of Object.entries(options.files ?? {})) writeFileSync(join(folder, name), content);
  writeFileSync(configFile, text(options.config));
  return spawnCommand(["run", "-c", configFile, ...(options.args ?? [])], folder, configFile, options.env);
}

/** Starts `bin/evenkeel` with these arguments and waits until it is ready, as `evenkeel proxy …` is. */
export async function startCommand(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Evenkeel> {
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-test-"));
  return spawnCommand(args, folder, join(folder, "evenkeel.json"), env).ready();
}

function spawnCommand(
  args: readonly string[],
  folder: string,
  configFile: string,
  env?: Readonly<Record<string, string>>,
): Evenkeel {
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const evenkeel = new Evenkeel(child, folder, configFile);
  atEnd(() => evenkeel.stop());
  onFailure(() => console.error(`log of the program:\n${evenkeel.log.slice(-20).join("\n")}`));
  return evenkeel;
}

/** Runs a command to its end. For commands that stop by themselves, as `evenkeel check` does. */
export async function runEvenkeel(
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, NO_COLOR: "1", ...options.env } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data));
  child.stderr.on("data", (data: Buffer) => (stderr += data));
  const code = await within(
    `evenkeel ${args.join(" ")}`,
    new Promise<number | null>((resolve) => child.once("close", resolve)),
    30_000,
  );
  return { code, stdout, stderr };
}

function text(config: string | Readonly<Record<string, unknown>>): string {
  return typeof config === "string" ? config : JSON.stringify({ admin: { listen: "127.0.0.1:0" }, ...config }, null, 2);
}
