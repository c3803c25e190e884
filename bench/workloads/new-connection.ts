import { wrk } from "../load/wrk.ts";
import type { Workload } from "./workload.ts";

/** A new client connection for every request; the proxies keep theirs to the origin. */
export const newConnection: Workload = {
  name: "new-connection",
  summary: "128 bytes, a new connection per request, 64 at a time",
  standard: true,
  run: (target) => wrk({ connections: 64, path: "/", headers: { Connection: "close" } }, target),
};
