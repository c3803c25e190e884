import { BUCKETS } from "./histogram.ts";
import * as L from "./layout.ts";
import type { ScoreboardHandle } from "./memory.ts";

/** What passed through WebSockets, and how many are open. */
export interface WebSocketTotals {
  /** Not counting those that are being closed. */
  readonly open: number;
  /** From the client or server that the totals are about, and to it; each message once, however many frames it has. */
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** Frames with their heads. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** A server's counters since its slot was taken, added up over all lanes. */
export interface ServerTotals {
  readonly requests: number;
  readonly errors: number;
  readonly connectFailures: number;
  readonly retries: number;
  readonly hedges: number;
  /** Bytes from the server and to it. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Answers without a status, then 1xx to 5xx. */
  readonly statuses: readonly number[];
  /** Mean time to the answer's head in ms over all requests; NaN without one. */
  readonly meanLatency: number;
  /** Of these, `rebalanced` were closed so that their clients find another server. */
  readonly webSockets: WebSocketTotals & { readonly rebalanced: number };
}

/** A listener's counters, added up over all lanes. */
export interface ListenerTotals {
  readonly accepted: number;
  readonly rejected: number;
  readonly requests: number;
  readonly refused: number;
  readonly upgrades: number;
  /** Bytes from the clients and to them. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly statuses: readonly number[];
  readonly webSockets: WebSocketTotals;
  /** TLS handshakes that succeeded; of these, `resumed` took up an earlier session. `time` is their sum in ms. */
  readonly handshakes: {
    readonly done: number;
    readonly resumed: number;
    readonly failed: number;
    readonly time: number;
  };
}

/** Reads a server's counters; for the control plane, not the request path. */
export function serverTotals(handle: ScoreboardHandle, slot: number): ServerTotals {
  const sums = sumLanes(handle.serverLanes, handle.workers + 1, handle.servers, L.SERVER_LANE, slot);
  return {
    requests: sums[L.LANE_REQUESTS]!,
    errors: sums[L.LANE_ERRORS]!,
    connectFailures: sums[L.LANE_CONNECT_FAILURES]!,
    retries: sums[L.LANE_RETRIES]!,
    hedges: sums[L.LANE_HEDGES]!,
    bytesIn: sums[L.LANE_BYTES_IN]!,
    bytesOut: sums[L.LANE_BYTES_OUT]!,
    statuses: sums.slice(L.LANE_STATUS, L.LANE_STATUS + 6),
    meanLatency: sums[L.LANE_LATENCY_TOTAL]! / sums[L.LANE_LATENCY_COUNT]!,
    webSockets: {
      open: sums[L.LANE_WEB_SOCKETS]!,
      messagesIn: sums[L.LANE_MESSAGES_IN]!,
      messagesOut: sums[L.LANE_MESSAGES_OUT]!,
      bytesIn: sums[L.LANE_TUNNEL_BYTES_IN]!,
      bytesOut: sums[L.LANE_TUNNEL_BYTES_OUT]!,
      rebalanced: sums[L.LANE_REBALANCED]!,
    },
  };
}

/** What the workers together say about a pool whose servers have these slots. */
export interface PoolTotals {
  /** Requests in flight that the adaptive limits allow now; null without such limits. */
  readonly concurrencyLimit: number | null;
  /** Requests that wait because every server is full. */
  readonly waiting: number;
}

/** Reads what workers have noted with `Scoreboard.notePool`. */
export function poolTotals(handle: ScoreboardHandle, slots: readonly number[]): PoolTotals {
  if (slots.length === 0) return { concurrencyLimit: null, waiting: 0 };
  const sums = sumLanes(handle.serverLanes, handle.workers + 1, handle.servers, L.SERVER_LANE, slots[0]!);
  return { concurrencyLimit: sums[L.LANE_POOL_LIMIT]! || null, waiting: sums[L.LANE_POOL_WAITING]! };
}

/** Reads a listener's counters; `place` as `ClientBoard.listenerSlot` gives it. */
export function listenerTotals(handle: ScoreboardHandle, place: number): ListenerTotals {
  const sums = sumLanes(handle.listenerLanes, handle.workers + 1, L.MAX_LISTENERS, L.LISTENER_LANE, place);
  return {
    accepted: sums[L.CLIENTS_ACCEPTED]!,
    rejected: sums[L.CLIENTS_REJECTED]!,
    requests: sums[L.CLIENT_REQUESTS]!,
    refused: sums[L.CLIENT_REFUSED]!,
    upgrades: sums[L.CLIENT_UPGRADES]!,
    bytesIn: sums[L.CLIENT_BYTES_IN]!,
    bytesOut: sums[L.CLIENT_BYTES_OUT]!,
    statuses: sums.slice(L.CLIENT_STATUS, L.CLIENT_STATUS + 6),
    handshakes: {
      done: sums[L.HANDSHAKES]!,
      resumed: sums[L.HANDSHAKES_RESUMED]!,
      failed: sums[L.HANDSHAKES_FAILED]!,
      time: sums[L.HANDSHAKE_TIME]!,
    },
    webSockets: {
      open: sums[L.CLIENT_WEB_SOCKETS]!,
      messagesIn: sums[L.CLIENT_MESSAGES_IN]!,
      messagesOut: sums[L.CLIENT_MESSAGES_OUT]!,
      bytesIn: sums[L.CLIENT_TUNNEL_BYTES_IN]!,
      bytesOut: sums[L.CLIENT_TUNNEL_BYTES_OUT]!,
    },
  };
}

/** A listener's latency histogram, added up over all lanes; see histogram.ts for its buckets. */
export function listenerHistogram(handle: ScoreboardHandle, place: number): Float64Array {
  const sums = new Float64Array(BUCKETS);
  const all = new Uint32Array(handle.histograms);
  for (let lane = 0; lane <= handle.workers; lane++) {
    const start = (lane * L.MAX_LISTENERS + place) * BUCKETS;
    for (let i = 0; i < BUCKETS; i++) sums[i]! += all[start + i]!;
  }
  return sums;
}

function sumLanes(memory: SharedArrayBuffer, lanes: number, places: number, width: number, place: number): number[] {
  const all = new Float64Array(memory);
  const sums = Array.from<number>({ length: width }).fill(0);
  for (let lane = 0; lane < lanes; lane++) {
    const start = (lane * places + place) * width;
    for (let i = 0; i < width; i++) sums[i]! += all[start + i]!;
  }
  return sums;
}
