import { buildInfo } from "./build-info.ts";
import { certificateExpiry, certificateInfo } from "./certificates.ts";
import type { MetricFamily } from "./metric-family.ts";
import { tlsHandshakes, tlsHandshakeTime } from "./tls.ts";

/** All families, in the order in which they are shown. */
export const metricFamilies: readonly MetricFamily[] = [
  buildInfo,
  certificateExpiry,
  certificateInfo,
  tlsHandshakes,
  tlsHandshakeTime,
];
