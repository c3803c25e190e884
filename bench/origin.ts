import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { accepts, freePorts, runToEnd, start, type Running } from "./processes.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** The server behind all contestants. */
export interface Origin {
  readonly running: Running;
  readonly ports: readonly number[];
}

/** Compiles the origin (see native/origin.c) if its source is newer than the binary, and starts it on four ports. */
export async function startOrigin(cpu: number | undefined, directory: string): Promise<Origin> {
  const source = join(here, "native/origin.c");
  const binary = join(here, "results/origin");
  if (!existsSync(binary) || statSync(binary).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(dirname(binary), { recursive: true });
    await runToEnd("cc", ["-O2", "-o", binary, source], { timeout: 60_000 });
  }
  const ports = await freePorts(4);
  const running = start({
    name: "origin",
    command: binary,
    args: ports.map(String),
    cpu,
    log: join(directory, "origin.log"),
  });
  await accepts(running, ports.at(-1)!);
  return { running, ports };
}
