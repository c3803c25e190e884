import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { accepts, start } from "../processes.ts";
import type { Contestant } from "./contestant.ts";

const scripts = join(dirname(fileURLToPath(import.meta.url)), "peers");

/** A proxy that is a small script for Node, called with its port and the origin's ports. */
function script(name: string, summary: string): Contestant {
  return {
    name,
    summary,
    warmup: 2,
    peer: true,
    async start({ port, origins, directory, cpu }) {
      const running = start({
        name,
        command: process.execPath,
        args: [join(scripts, `${name}.ts`), String(port), ...origins.map(String)],
        cpu,
        log: join(directory, "log"),
        env: { ...process.env, NODE_ENV: "production" },
      });
      await accepts(running, port);
      return running;
    },
  };
}

/** http-proxy-3, the maintained successor of node-http-proxy. */
export const httpProxy3 = script("http-proxy-3", "http-proxy-3 on node:http");
/** httpxy. */
export const httpxy = script("httpxy", "httpxy on node:http");
/** @fastify/http-proxy with its undici pool. */
export const fastifyHttpProxy = script("fastify-http-proxy", "@fastify/http-proxy with undici");
/** The least that a proxy on node:net can do; not a proxy to use. */
export const plainRelay = script("plain-relay", "bare relay on node:net, without features");
