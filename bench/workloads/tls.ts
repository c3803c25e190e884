import { handshakes } from "../load/handshakes.ts";
import { wrk } from "../load/wrk.ts";
import type { Workload } from "./workload.ts";

/** Encrypted connections: kept open, and a handshake for each request. */
export const tls: readonly Workload[] = [
  ...[64, 256].map((connections): Workload => ({
    name: `tls-${connections}`,
    summary: `128 bytes, TLS, keep-alive, ${connections} connections`,
    secure: true,
    standard: true,
    run: (target) => wrk({ connections, path: "/" }, target),
  })),
  {
    name: "tls-100kB",
    summary: "100 kB, TLS, keep-alive, 64 connections",
    secure: true,
    standard: true,
    body: { direction: "down", bytes: 100_000 },
    run: (target) => wrk({ connections: 64, path: "/bytes/100000" }, target),
  },
  {
    name: "tls-full-handshake",
    summary: "128 bytes, a new TLS connection with a full handshake per request, 64 at a time",
    secure: true,
    standard: true,
    run: (target) => wrk({ connections: 64, path: "/", headers: { Connection: "close" } }, target),
  },
  {
    name: "tls-resumed-handshake",
    summary: "128 bytes, a new TLS connection per request, resumed by a ticket",
    secure: true,
    standard: true,
    run: (target) => handshakes("/", target),
  },
];
