import { normaliseConfig } from "../../config/normalise.ts";
import type { PoolConfig } from "../../config/schema.ts";
import type { ProxyError } from "../../core/errors.ts";
import { algorithms } from "../../core/balancing/registry.ts";
import type { ResponseHead } from "../../http1/response-head.ts";
import type { ConnectionWaiter } from "./server-connections.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

/** A user of connections that takes everything down. */
export class FakeUser implements ConnectionWaiter {
  method = "GET";
  wantsUpgrade = false;
  sentAt = 0;
  readonly bodyTimeout = 3000;
  keepsHead = false;
  takesChunks = true;
  /** What `onResponseData` and `onTunnelData` return. */
  goOn = true;
  connection: UpstreamConnection | null = null;
  /** What was called, in order. */
  readonly calls: string[] = [];
  /** Bytes of the answer's body. */
  body = "";

  /** Sends a complete request without a body. */
  send(text = "GET / HTTP/1.1\r\n\r\n"): void {
    this.connection!.sendHead(text, false);
    this.connection!.requestSent("");
  }
  onConnection(connection: UpstreamConnection): void {
    this.connection = connection;
    this.calls.push(connection.connected ? "connection" : "connection to come");
  }
  onNoConnection(error: ProxyError): void {
    this.calls.push(`none: ${error.code}`);
  }
  onConnected(): void {
    this.calls.push("connected");
  }
  onUpstreamDrain(): void {
    this.calls.push("drain");
  }
  onInformational(head: ResponseHead): void {
    this.calls.push(`informational ${head.status}`);
  }
  onWholeResponse(head: ResponseHead, text: string, start: number, end: number): void {
    this.calls.push(`whole ${head.status} ${text.slice(start, end)}`);
  }
  onResponseHead(head: ResponseHead, kind: number, more: boolean): void {
    this.calls.push(`head ${head.status} ${kind} ${more}`);
  }
  onResponseData(buffer: Buffer, start: number, end: number): boolean {
    this.body += buffer.latin1Slice(start, end);
    return this.goOn;
  }
  onResponseEnd(trailers: string): void {
    this.calls.push(`end ${trailers}`.trimEnd());
  }
  onUpgraded(_: ResponseHead, rest: Buffer): void {
    this.calls.push(`upgraded ${rest.toString("latin1")}`);
  }
  onTunnelData(buffer: Buffer, start: number, end: number): boolean {
    return this.onResponseData(buffer, start, end);
  }
  onTunnelEnd(): void {
    this.calls.push("tunnel end");
  }
  onServerSuspect(error: ProxyError): boolean {
    this.calls.push(`suspect ${error.code}`);
    return false;
  }
  onServerClosing(): void {
    this.calls.push("closing");
  }
  onUpstreamFailure(error: ProxyError, reused: boolean): void {
    this.calls.push(`failure ${error.code}${reused ? " reused" : ""}`);
  }
}

/** A pool's configuration with its defaults. */
export function poolConfig(pool: Readonly<Record<string, unknown>>): PoolConfig {
  const result = normaliseConfig({ pools: { web: pool } }, { extensions: { algorithms, filters: [] } });
  if (result.config === undefined) throw new Error(result.problems.map((problem) => problem.message).join("; "));
  return result.config.pools["web"];
}
