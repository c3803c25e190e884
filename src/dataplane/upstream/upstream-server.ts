import { parseServerAddress } from "../../config/address.ts";
import type { ServerConfig, UpstreamConfig } from "../../config/schema.ts";
import type { Server } from "../../core/balancing/balancer.ts";
import type { WorkerContext } from "../worker-context.ts";
import { ServerConnections } from "./server-connections.ts";
import { ServerTls, type PoolTls } from "./server-tls.ts";

/** A server of a pool as one worker uses it: what a balancer sees of it, and the connections to it. */
export class UpstreamServer implements Server {
  readonly id: string;
  readonly slot: number;
  readonly weight: number;
  /** Set by the pool before it makes another set. */
  scale = 1;
  readonly backup: boolean;
  readonly priority: number;
  readonly zone: string | undefined;
  readonly maxConnections: number;
  /** host:port for a Host field. */
  readonly authority: string;
  readonly connections: ServerConnections;

  /**
   * @param connections those of the same server in an earlier configuration, or undefined: taken over unless another
   * protocol is to be spoken on them
   * @param tls null for connections in the clear
   */
  constructor(
    config: ServerConfig,
    slot: number,
    upstream: UpstreamConfig,
    context: WorkerContext,
    connections: ServerConnections | undefined,
    tls: PoolTls | null = null,
  ) {
    this.id = config.id ?? config.address;
    this.slot = slot;
    this.weight = config.weight;
    this.backup = config.backup;
    this.priority = config.priority;
    this.zone = config.zone;
    this.maxConnections = config.maxConnections;
    this.authority = config.address.startsWith("unix:") ? "localhost" : config.address;
    const parsed = parseServerAddress(config.address);
    if (!("address" in parsed)) throw new Error(`server ${config.address}: ${parsed.reason}`);
    const { address } = parsed;
    const target = address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
    const serverTls = tls === null ? null : new ServerTls(tls, target);
    this.connections =
      connections !== undefined && speaksTheSame(connections.config, upstream)
        ? connections
        : new ServerConnections(target, slot, upstream, context, serverTls);
    this.connections.config = upstream;
    this.connections.tls = serverTls;
  }
}

function speaksTheSame(a: UpstreamConfig, b: UpstreamConfig): boolean {
  return a.protocol === b.protocol && JSON.stringify(a.tls) === JSON.stringify(b.tls);
}
