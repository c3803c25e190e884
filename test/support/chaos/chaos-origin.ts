import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atEnd } from "../cleanup.ts";
import { within } from "../wait.ts";
import { type JournalEntry, readJournal } from "./journal.ts";
import type { NetworkSite } from "./network.ts";
import { type OriginCommand, type OriginSettings, type OriginStart, usual } from "./origin-settings.ts";

const program = fileURLToPath(new URL("./origin-program.ts", import.meta.url));

/** A server in a process of its own that can be made to fail in every way; see `startChaosOrigin`. */
export class ChaosOrigin {
  readonly name: string;
  readonly host: string;
  port = 0;
  settings: OriginSettings;
  readonly #journal: string;
  readonly #site: NetworkSite | undefined;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #sequence = 0;

  constructor(name: string, folder: string, settings: OriginSettings, site: NetworkSite | undefined) {
    this.name = name;
    this.host = site?.address ?? "127.0.0.1";
    this.settings = settings;
    this.#journal = join(folder, `${name}.journal`);
    this.#site = site;
  }

  /** host:port, as a pool takes it. */
  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** Everything that requests did here, over all lives of the process. */
  journal(): JournalEntry[] {
    return readJournal(this.#journal);
  }

  /** Starts the process, on the port that it had before. */
  async start(): Promise<void> {
    const { name, host, port, settings } = this;
    const start: OriginStart = { name, host, port, settings, journal: this.#journal };
    const [command, ...args] = [...(this.#site?.command ?? []), process.execPath, program, JSON.stringify(start)];
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("close", () => resolve()));
    const ready = new Promise<number>((resolve, reject) => {
      child.once("message", (message: { port: number }) => resolve(message.port));
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the origin ${name} ended with ${code}`)));
    });
    this.port = await within(`the origin ${name} to listen`, ready);
  }

  /** Changes how it behaves; resolves when the process does so. */
  async behave(change: Partial<OriginSettings>): Promise<void> {
    this.settings = { ...this.settings, ...change };
    const child = this.#child!;
    const command: OriginCommand = { sequence: ++this.#sequence, settings: this.settings };
    const done = new Promise<void>((resolve) => {
      const listener = (message: { done?: number }): void => {
        if (message.done !== command.sequence) return;
        child.off("message", listener);
        resolve();
      };
      child.on("message", listener);
    });
    child.send(command);
    await within(`the origin ${this.name} to change`, done);
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /** SIGSTOP: connections stay and are even made, and nothing answers. */
  freeze(): void {
    this.#child!.kill("SIGSTOP");
  }

  /** SIGCONT. */
  thaw(): void {
    this.#child!.kill("SIGCONT");
  }
}

/** Starts an origin; it is killed when the test (or the file, outside of one) ends. */
export async function startChaosOrigin(
  name: string,
  settings: Partial<OriginSettings> = {},
  site?: NetworkSite,
): Promise<ChaosOrigin> {
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-chaos-"));
  const origin = new ChaosOrigin(name, folder, { ...usual, ...settings }, site);
  atEnd(async () => {
    await origin.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  await origin.start();
  return origin;
}

/** Starts as many origins, named a, b, c, …, side by side. */
export function startChaosOrigins(count: number, settings: Partial<OriginSettings> = {}): Promise<ChaosOrigin[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => startChaosOrigin(String.fromCharCode(97 + i), settings)));
}
