import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { accepts, findProgram, freePorts, start } from "../processes.ts";
import type { Contestant } from "./contestant.ts";

const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Bytes of the only answer, as short as the usual origin's. */
const BODY = 128;

/**
 * Evenkeel with HTTP/2 towards the servers as well. The usual origin speaks HTTP/1.1 only, so nghttpd stands in for it, on
 * the load's processor; it knows one answer.
 */
export const evenkeelHttp2: Contestant = {
  name: "evenkeel-http2",
  summary: "Evenkeel, one worker, HTTP/2 to the servers (nghttpd)",
  warmup: 2,
  programs: ["nghttpd"],
  onlyFor: (workload) => workload.startsWith("http2-") && !workload.includes("kB"),
  async start({ port, adminPort, directory, cpu, loadCpu, secure }) {
    const documents = join(directory, "documents");
    mkdirSync(documents);
    writeFileSync(join(documents, "index.html"), "x".repeat(BODY));
    const ports = await freePorts(3);
    const servers = ports.map((origin) =>
      start({
        name: "nghttpd",
        command: findProgram("nghttpd") ?? "nghttpd",
        args: ["--no-tls", "-d", documents, String(origin)],
        cpu: loadCpu,
        log: join(directory, "nghttpd.log"),
      }),
    );
    await Promise.all(servers.map((server, i) => accepts(server, ports[i]!)));
    const tls = secure === undefined ? {} : { tls: { certificates: [{ cert: secure.cert, key: secure.key }] } };
    const config = {
      workers: 1,
      admin: { listen: `127.0.0.1:${adminPort}` },
      listeners: { web: { listen: `127.0.0.1:${port}`, pool: "web", ...tls } },
      pools: { web: { servers: ports.map((origin) => `127.0.0.1:${origin}`), upstream: { protocol: "h2c" } } },
    };
    const file = join(directory, "evenkeel.json");
    writeFileSync(file, JSON.stringify(config));
    const running = start({
      name: "evenkeel-http2",
      command: join(checkout, "bin/evenkeel"),
      args: ["run", "-c", file],
      cpu,
      cwd: directory,
      log: join(directory, "log"),
    });
    await accepts(running, port);
    return {
      ...running,
      async stop() {
        await Promise.all([running, ...servers].map((process) => process.stop()));
      },
    };
  },
};
