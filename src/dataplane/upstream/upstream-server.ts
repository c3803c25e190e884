import { parseServerAddress } from "../../config/address.ts";
import type { ServerConfig, UpstreamConfig } from "../../config/schema.ts";
import type { Server } from "../../core/balancing/balancer.ts";
import type { WorkerContext } from "../worker-context.ts";
import { ServerConnections } from "./server-connections.ts";

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

  /** @param connections taken over from the same server in an earlier configuration, or undefined */
  constructor(
    config: ServerConfig,
    slot: number,
    upstream: UpstreamConfig,
    context: WorkerContext,
    connections: ServerConnections | undefined,
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
    this.connections =
      connections ??
      new ServerConnections(
        address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port },
        slot,
        upstream,
        context,
      );
    this.connections.config = upstream;
  }
}
