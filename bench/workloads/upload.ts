import { wrk } from "../load/wrk.ts";
import type { Workload } from "./workload.ts";

const sizes = [
  { label: "100kB", bytes: 100_000, connections: 32, standard: true },
  { label: "1MB", bytes: 1_000_000, connections: 16, standard: true },
];

/** Requests with big bodies, which the origin reads to the end before it answers. */
export const upload: readonly Workload[] = sizes.map(({ label, bytes, connections, standard }) => ({
  name: `upload-${label}`,
  summary: `${label} request body, keep-alive, ${connections} connections`,
  body: { direction: "up", bytes },
  standard,
  run: (target) => wrk({ connections, path: "/upload", upload: bytes }, target),
}));
