import type { NodeState } from "../api/node-state.ts";
import { listenerTotals, type ListenerTotals } from "../../shared-memory/totals.ts";
import type { MetricFamily, Sample } from "./metric-family.ts";

/** Handshakes of clients, by how they ended. */
export const tlsHandshakes: MetricFamily = {
  name: "evenkeel_tls_handshakes_total",
  help: "TLS handshakes of clients: full and resumed ones that succeeded, and those that failed.",
  type: "counter",
  samples: (state) =>
    listeners(state).flatMap(([listener, { done, resumed, failed }]) => [
      { labels: { listener, result: "full" }, value: done - resumed },
      { labels: { listener, result: "resumed" }, value: resumed },
      { labels: { listener, result: "failed" }, value: failed },
    ]),
};

/** How long handshakes took. */
export const tlsHandshakeTime: MetricFamily = {
  name: "evenkeel_tls_handshake_seconds",
  help: "Time from an accepted connection to the end of its TLS handshake, where that succeeded.",
  type: "summary",
  samples: (state) =>
    listeners(state).flatMap(([listener, { done, time }]): Sample[] => [
      { suffix: "_sum", labels: { listener }, value: time / 1000 },
      { suffix: "_count", labels: { listener }, value: done },
    ]),
};

/** Listeners that decrypt TLS. */
function listeners({ snapshot, scoreboard }: NodeState): [listener: string, ListenerTotals["handshakes"]][] {
  return Object.entries(snapshot()?.config.listeners ?? {}).flatMap(([name, { tls }]) => {
    if (tls === undefined || tls.passthrough) return [];
    const place = scoreboard.clients.listenerSlot(name);
    return [[name, listenerTotals(scoreboard.handle, place).handshakes]];
  });
}
