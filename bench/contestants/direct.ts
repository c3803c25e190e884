import type { Contestant } from "./contestant.ts";

/** No proxy: the load generator speaks to the origin. The figure to subtract where added latency is meant. */
export const direct: Contestant = {
  name: "direct",
  summary: "no proxy between load and origin",
  warmup: 0.2,
  start: () => Promise.resolve(undefined),
};
