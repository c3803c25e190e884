import { wrk } from "../load/wrk.ts";
import type { Workload } from "./workload.ts";

const sizes = [
  { label: "10kB", bytes: 10_000, connections: 64, standard: false },
  { label: "100kB", bytes: 100_000, connections: 32, standard: true },
  { label: "1MB", bytes: 1_000_000, connections: 16, standard: true },
  { label: "100MB", bytes: 100_000_000, connections: 4, standard: false },
];

/** Answers with big bodies. */
export const download: readonly Workload[] = sizes.map(({ label, bytes, connections, standard }) => ({
  name: `download-${label}`,
  summary: `${label} response body, keep-alive, ${connections} connections`,
  body: { direction: "down", bytes },
  standard,
  run: (target) => wrk({ connections, path: `/bytes/${bytes}` }, target),
}));
