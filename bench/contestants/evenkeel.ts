import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { accepts, start } from "../processes.ts";
import type { Contestant } from "./contestant.ts";

const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Evenkeel from a checkout with one worker, as `evenkeel proxy` starts it. All its threads are counted. */
export function evenkeelOf(name: string, summary: string, root: string): Contestant {
  return {
    name,
    summary,
    warmup: 2,
    async start({ port, adminPort, origins, directory, cpu, secure }) {
      const servers = origins.flatMap((origin) => ["--server", `127.0.0.1:${origin}`]);
      const running = start({
        name,
        command: join(root, "bin/evenkeel"),
        args: [
          "proxy",
          "--listen",
          `127.0.0.1:${port}`,
          ...servers,
          "--workers",
          "1",
          "--admin",
          `127.0.0.1:${adminPort}`,
          ...(secure === undefined ? [] : ["--tls-cert", secure.cert, "--tls-key", secure.key]),
        ],
        cpu,
        cwd: directory,
        log: join(directory, "log"),
      });
      await accepts(running, port);
      return running;
    },
  };
}

/** Evenkeel as it is in this checkout, with its defaults. */
export const evenkeel = evenkeelOf("evenkeel", "Evenkeel, one worker, defaults", checkout);
