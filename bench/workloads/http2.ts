import { overHttp2 } from "../load/h2load.ts";
import type { Workload } from "./workload.ts";

/** HTTP/2 over TLS towards the client, HTTP/1.1 towards the origin: few connections, many requests at a time. */
export const http2: readonly Workload[] = [
  { streams: 8, path: "/", what: "128 bytes" },
  { streams: 100, path: "/", what: "128 bytes" },
  { streams: 8, path: "/bytes/100000", what: "100 kB", bytes: 100_000 },
].map(({ streams, path, what, bytes }) => ({
  name: `http2-16x${streams}${bytes === undefined ? "" : "-100kB"}`,
  summary: `${what}, HTTP/2 over TLS, 16 connections of ${streams} streams`,
  secure: true,
  standard: true,
  ...(bytes === undefined ? {} : { body: { direction: "down" as const, bytes } }),
  run: (target) => overHttp2({ connections: 16, streams, path }, target),
}));
