import type { OutlierDetectionConfig } from "../../config/pool-parts-schema.ts";
import type { PoolConfig } from "../../config/schema.ts";
import { PassiveReason } from "../../shared-memory/health-board.ts";

/** Why traffic spoke against a server, in words; undefined when it did not. */
export function passiveReasonText(reason: PassiveReason, pool: PoolConfig): string | undefined {
  const rules = pool.outlierDetection === false ? undefined : pool.outlierDetection;
  switch (reason) {
    case PassiveReason.none:
      return undefined;
    case PassiveReason.consecutiveErrors:
      return `${count(rules?.consecutiveErrors)}errors in a row`;
    case PassiveReason.gatewayErrors:
      return `${count(rules?.consecutiveGatewayErrors)}gateway errors in a row`;
    case PassiveReason.errorWindow:
      return `${count(rules?.errorThreshold)}errors within ${durationText(rules?.errorWindow)}`;
    case PassiveReason.silence:
      return `requests without an answer for ${durationText(rules?.silence)}`;
    case PassiveReason.refused:
      return "connection refused";
    case PassiveReason.connectTimeout:
      return `no connection within ${durationText(pool.upstream.connectTimeout)}`;
    case PassiveReason.unreachable:
      return "no connection can be made";
    case PassiveReason.handshake:
      return "the handshake of TLS or HTTP/2 fails";
    case PassiveReason.successRate:
      return "fails more often than the others";
    case PassiveReason.failurePercentage:
      return `${percent(rules)} of the requests or more failed`;
    case PassiveReason.latency:
      return `more than ${rules?.latencyFactor ?? 0} times as slow as the others`;
    default:
      return "errors";
  }
}

function count(threshold: number | undefined): string {
  return threshold === undefined || threshold === 0 ? "" : `${threshold} `;
}

function percent(rules: OutlierDetectionConfig | undefined): string {
  return `${Math.round((rules?.failurePercentage ?? 0) * 100)} %`;
}

/** A time as people read it: `250 ms`, `2.5 s`, `5 min`. */
export function durationText(ms: number | undefined): string {
  if (ms === undefined) return "a time";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  return `${Math.round(ms / 6_000) / 10} min`;
}
