import { errors, type ProxyError } from "../errors.ts";

/**
 * Failures of the upstream side that do not speak against the server: nobody was asked, or it was Evenkeel's decision.
 * Failures to connect are judged by their cause instead (connect-failure.ts).
 */
const NO_FAULT: ReadonlySet<string> = new Set([
  errors.noServer.code,
  errors.overloaded.code,
  errors.queueFull.code,
  errors.queueTimeout.code,
  errors.concurrencyLimited.code,
  errors.degraded.code,
  errors.serverRemoved.code,
  errors.serverGone.code,
  // It ends its connections in good order, or has as many streams as it takes.
  errors.refusedStream.code,
  errors.upgradeNotPossible.code,
  errors.connectFailed.code,
  errors.connectTimeout.code,
]);

/** Whether a failed exchange counts as the server's failure. */
export function isServerFault(error: ProxyError): boolean {
  return error.source === "upstream" && !NO_FAULT.has(error.code);
}

/** Whether an answer with this status says that the server, or one behind it, could not be had: 502, 503, 504. */
export function isGatewayError(status: number): boolean {
  return status >= 502 && status <= 504;
}
