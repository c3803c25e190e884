import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { accepts, findProgram, start } from "../processes.ts";
import type { Contestant, Setting } from "./contestant.ts";

// One thread; idle connections to the origin are shared by all clients and kept for good; bodies move by splice(2)
// or through buffers of 32 KiB, with which they cost less than with the default 16 KiB.
// Without the ratios idle connections are closed as soon as a quarter of all descriptors is in use.
function configuration({ port, origins, secure }: Setting): string {
  return `
global
  nbthread 1
  maxconn 2000
  tune.bufsize 32768
  tune.pool-high-fd-ratio 95
  tune.pool-low-fd-ratio 90

defaults
  mode http
  no log
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  option http-keep-alive
  option forwardfor
  option splice-auto
  http-reuse always

frontend web
  bind 127.0.0.1:${port} backlog 4096${secure === undefined ? "" : ` ssl crt ${secure.bundle} alpn h2,http/1.1`}
  default_backend origin

backend origin
  balance roundrobin
  default-server pool-max-conn -1 pool-purge-delay 1h
  ${origins.map((origin, i) => `server s${i + 1} 127.0.0.1:${origin}`).join("\n  ")}
`;
}

/** HAProxy as in Debian, one thread. */
export const haproxy: Contestant = {
  name: "haproxy",
  summary: "HAProxy, one thread",
  warmup: 0.5,
  programs: ["haproxy"],
  async start(setting) {
    const file = join(setting.directory, "haproxy.cfg");
    writeFileSync(file, configuration(setting));
    const running = start({
      name: "haproxy",
      command: findProgram("haproxy") ?? "haproxy",
      args: ["-db", "-f", file],
      cpu: setting.cpu,
      log: join(setting.directory, "log"),
    });
    await accepts(running, setting.port);
    return running;
  },
};
