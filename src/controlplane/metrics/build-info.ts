import type { MetricFamily } from "./metric-family.ts";

/** Which program this is. */
export const buildInfo: MetricFamily = {
  name: "evenkeel_build_info",
  help: "The program and the Node.js that runs it; always 1.",
  type: "gauge",
  samples: ({ version }) => [{ labels: { version, node: process.version }, value: 1 }],
};
