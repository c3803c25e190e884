import { addedLatency } from "./added-latency.ts";
import { download } from "./download.ts";
import { http2 } from "./http2.ts";
import { newConnection } from "./new-connection.ts";
import { smallKeepAlive } from "./small-keep-alive.ts";
import { tls } from "./tls.ts";
import { upload } from "./upload.ts";
import type { Workload } from "./workload.ts";

/** Every workload, in the order of the tables. */
export const workloads: readonly Workload[] = [
  ...smallKeepAlive,
  ...download,
  ...upload,
  newConnection,
  addedLatency,
  ...tls,
  ...http2,
];
