import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { atEnd } from "../cleanup.ts";
import { waitFor, within } from "../wait.ts";
import type { LoadCommand, LoadSample, LoadSettings } from "./load-settings.ts";
import { monotonic } from "./monotonic.ts";

const program = fileURLToPath(new URL("./load-program.ts", import.meta.url));

const usual: Omit<LoadSettings, "port"> = {
  rate: 600,
  connections: 256,
  mix: { GET: 0.7, PUT: 0.1, POST: 0.2 },
  body: 300,
  timeout: 10_000,
  paths: ["/"],
  prefix: "r",
};

/** A steady load from a process of its own: how many requests begin does not depend on how fast they are answered. */
export class MixedLoad {
  /** Requests that are over, in the order in which they ended. Complete after `stop`. */
  readonly samples: LoadSample[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(settings: LoadSettings) {
    this.#child = spawn(process.execPath, [program, JSON.stringify(settings)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.on("message", ({ samples }: { samples: LoadSample[] }) => this.samples.push(...samples));
    atEnd(async () => {
      this.#child.kill("SIGKILL");
      await this.#ended;
    });
  }

  /** Goes on with another number of requests per second. */
  rate(rate: number): void {
    this.#tell({ rate });
  }

  /** Waits until the load has gone on for so long, and at least one request has ended since; the time then. */
  async goOn(ms: number): Promise<number> {
    const end = monotonic() + ms;
    await waitFor("the load to go on", () => (this.samples.at(-1)?.at ?? 0) >= end, ms + 10_000);
    return monotonic();
  }

  /** Begins no more requests and waits until all have ended. */
  async stop(): Promise<void> {
    this.#tell({ stop: true });
    await within("the load to end", this.#ended, 30_000);
  }

  #tell(command: LoadCommand): void {
    this.#child.send(command);
  }
}

/** Starts a load on a listener and waits for the first answers. */
export async function startMixedLoad(port: number, settings: Partial<LoadSettings> = {}): Promise<MixedLoad> {
  const load = new MixedLoad({ ...usual, port, ...settings });
  await waitFor("the first answers", () => load.samples.length > 0);
  return load;
}
