import net from "node:net";
import { parseListenAddress } from "../config/address.ts";
import { listenError } from "../config/listen-error.ts";
import type { ClientBoard } from "../shared-memory/client-board.ts";
import { handlesWork, takeHandles } from "./accept.ts";
import type { HostedConnection } from "./http/connection-host.ts";
import type { StreamHandle } from "./node-bindings.ts";
import type { ListenerPlan } from "./plan.ts";
import { removeStaleSocket } from "./stale-socket.ts";
import type { WorkerContext } from "./worker-context.ts";

/** The kernel's queue of connections that nobody has accepted yet. */
const BACKLOG = 4096;

/** One address that a worker listens on, and the client connections that came in there, whatever they speak. */
export abstract class BoundListener {
  plan: ListenerPlan;
  readonly context: WorkerContext;
  readonly clients: ClientBoard;
  /** The listener's place in the scoreboard. */
  slot: number;
  /** The port that clients see, as text; "" on a unix socket. */
  portText = "";
  webSockets = 0;
  /** No longer in the configuration: connections end after the answer that they are at. */
  retired = false;
  readonly #connections = new Set<HostedConnection>();
  #server: net.Server | null = null;

  constructor(plan: ListenerPlan, context: WorkerContext) {
    this.plan = plan;
    this.context = context;
    this.clients = context.scoreboard.clients;
    this.slot = this.clients.listenerSlot(plan.name);
  }

  /** A client has connected and is counted; `remote` is its address. Passes the connection to `opened`. */
  protected abstract takeHandle(handle: StreamHandle, remote: string): void;

  /** As `takeHandle`, where bare handles cannot be had. */
  protected abstract takeSocket(socket: net.Socket, remote: string): void;

  get connections(): number {
    return this.#connections.size;
  }

  /** Serves another plan from now on, under another name if it has one: the connections go along. */
  follow(plan: ListenerPlan): void {
    const before = this.slot;
    this.slot = plan.name === this.plan.name ? before : this.clients.listenerSlot(plan.name);
    this.plan = plan;
    if (this.slot === before) return;
    for (let i = 0; i < this.#connections.size; i++) {
      this.clients.closed(before);
      this.clients.tryAccept(this.slot, 0);
    }
    const { webSockets } = this.context.scoreboard;
    webSockets.clientHas(before, -this.webSockets);
    webSockets.clientHas(this.slot, this.webSockets);
  }

  /** Certificates, or something else that TLS needs, have changed. */
  materialChanged(): void {
    // Only where TLS is spoken.
  }

  /**
   * Starts to listen; all workers share an address by SO_REUSEPORT, and the kernel spreads connections over them.
   *
   * @param port taken instead of a port 0 in the address, when another worker has got one already
   * @returns the port; 0 for a unix socket
   */
  async listen(address: string, port: number): Promise<number> {
    const parsed = parseListenAddress(address);
    if (!("address" in parsed)) throw new Error(`listener ${this.plan.name}: ${address}: ${parsed.reason}`);
    const direct = await handlesWork();
    if (parsed.address.kind === "unix") await removeStaleSocket(parsed.address.path);
    const server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false });
    server.on("connection", (socket) => this.#acceptSocket(socket));
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error) => reject(listenError(`listener ${this.plan.name}`, address, error));
      server.once("error", failed);
      const ready = () => {
        server.off("error", failed);
        resolve();
      };
      if (parsed.address.kind === "unix") {
        server.listen({ path: parsed.address.path, backlog: BACKLOG }, ready);
      } else {
        const host = parsed.address.host === "" ? undefined : parsed.address.host;
        const options: net.ListenOptions = {
          port: parsed.address.port === 0 ? port : parsed.address.port,
          backlog: BACKLOG,
          reusePort: true,
        };
        if (host !== undefined) options.host = host;
        server.listen(options, ready);
      }
    });
    server.on("error", (error) => this.context.log("error", `listener ${this.plan.name}: ${error.message}`));
    server.on("acceptError", (code: number) => this.#acceptFailed(code));
    server.on("acceptBug", (bug: unknown) =>
      this.context.log("error", `listener ${this.plan.name}: ${bug instanceof Error ? bug.stack : String(bug)}`),
    );
    if (direct) takeHandles(server, (handle, remote) => this.#acceptHandle(handle, remote));
    this.#server = server;
    const bound = server.address();
    const boundPort = typeof bound === "object" && bound !== null ? bound.port : 0;
    this.portText = boundPort === 0 ? "" : String(boundPort);
    return boundPort;
  }

  #acceptHandle(handle: StreamHandle, remote: string): void {
    if (this.#admit()) this.takeHandle(handle, plainAddress(remote));
    else handle.close();
  }

  #acceptSocket(socket: net.Socket): void {
    // Without an address: reset by the client meanwhile, see accept.ts. Unix sockets have no port, and no addresses.
    if ((socket.remoteAddress === undefined && this.portText !== "") || !this.#admit()) socket.destroy();
    else this.takeSocket(socket, plainAddress(socket.remoteAddress ?? ""));
  }

  #admit(): boolean {
    return (
      !this.context.draining &&
      !this.retired &&
      this.clients.tryAccept(this.slot, this.plan.config.limits.maxConnections)
    );
  }

  #lastAcceptError = -Infinity;
  #acceptFailed(code: number): void {
    // Out of descriptors, most likely; said once a second at most, for it can happen thousands of times.
    if (this.context.now - this.#lastAcceptError < 1000) return;
    this.#lastAcceptError = this.context.now;
    this.context.log("error", `listener ${this.plan.name}: cannot accept a connection (error ${code})`);
  }

  /** A connection is there: from now on the listener looks after it. */
  protected opened(connection: HostedConnection): void {
    this.#connections.add(connection);
  }

  /** A connection is gone. */
  closed(connection: HostedConnection): void {
    if (this.#connections.delete(connection)) this.clients.closed(this.slot);
  }

  replace(connection: HostedConnection, next: HostedConnection): void {
    if (this.#connections.delete(connection)) this.#connections.add(next);
  }

  /** Stops accepting. */
  stop(): void {
    this.#server?.close();
    this.#server = null;
  }

  /** Ends idle connections now and the others after the answer that they are at. */
  drain(): void {
    for (const connection of this.#connections) connection.drain();
  }

  /** Ends all tunnels in the way of their protocols, which takes TUNNEL_CLOSE_GRACE and a little more at most. */
  closeTunnels(): void {
    for (const connection of this.#connections) connection.closeTunnel();
  }

  /** Cuts all connections. */
  cut(): void {
    for (const connection of this.#connections) connection.cut();
  }
}

/** ::ffff:192.0.2.1 is how a dual-stack socket names an IPv4 client. A unix socket's client has no address. */
function plainAddress(address: string): string {
  if (address === "") return "127.0.0.1";
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
