import { rm } from "node:fs/promises";
import { connect } from "node:net";
import fastify, { type FastifyInstance } from "fastify";
import { isLoopback, parseListenAddress, type Address } from "../../config/address.ts";
import type { Log } from "../log.ts";
import { ServerActions } from "../server-actions.ts";
import { guard } from "./access.ts";
import { acmeRoutes } from "./acme.ts";
import { certificateRoutes } from "./certificates.ts";
import { configurationRoutes } from "./configuration.ts";
import { limitConnections } from "./connection-limit.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes } from "./health.ts";
import { listenerRoutes } from "./listeners.ts";
import { metricsRoutes } from "./metrics.ts";
import type { NodeState } from "./node-state.ts";
import { poolRoutes } from "./pools.ts";
import { answerWithProblems } from "./problem-details.ts";
import { serverActionRoutes } from "./server-actions.ts";
import { serverHistoryRoutes } from "./server-history.ts";
import { serverRoutes } from "./servers.ts";
import { statusRoutes } from "./status.ts";

/** More than people and probes need at once. */
const MAX_CONNECTIONS = 256;

/** Longest part of a path that is a name, as it is sent: an id of 200 characters, each of them escaped. */
const MAX_NAME = 600;

/** Where the REST interface listens, and who may use it. */
export interface AdminOptions {
  readonly listen: string;
  readonly token?: string | undefined;
}

/** The REST interface over the node. Nothing that happens in it touches traffic. */
export class AdminServer {
  readonly #server: FastifyInstance;
  readonly #address: Address;
  readonly #actions: ServerActions;

  /** Throws when the address is none, or is open to others and there is no token. */
  constructor(state: NodeState, { listen, token }: AdminOptions, log: Log) {
    const parsed = parseListenAddress(listen);
    if ("reason" in parsed) throw new Error(`admin ${listen}: ${parsed.reason}`);
    if (token === undefined && !isLoopback(parsed.address)) {
      throw new Error(`admin ${listen}: a token is required when the address is not loopback`);
    }
    this.#address = parsed.address;
    this.#server = fastify({
      bodyLimit: 64 * 1024,
      requestTimeout: 30_000,
      forceCloseConnections: true,
      routerOptions: { maxParamLength: MAX_NAME },
    });
    // Descriptors are the whole process's: those who have no token must not be able to use them up.
    limitConnections(this.#server.server, MAX_CONNECTIONS);
    guard(this.#server, { address: parsed.address, token });
    answerWithProblems(this.#server, (error) => log("error", `admin: ${error.stack ?? error.message}`));
    const { scoreboard, clock } = state;
    this.#actions = new ServerActions({ scoreboard, clock, log, snapshot: () => state.snapshot() });
    void this.#server.register(healthRoutes(state));
    void this.#server.register(metricsRoutes(state));
    void this.#server.register(serverActionRoutes(state, this.#actions), { prefix: "/api/v2" });
    for (const routes of [
      statusRoutes,
      poolRoutes,
      serverRoutes,
      serverHistoryRoutes,
      eventRoutes,
      listenerRoutes,
      certificateRoutes,
      acmeRoutes,
      configurationRoutes,
    ]) {
      void this.#server.register(routes(state), { prefix: "/api/v2" });
    }
  }

  /** Binds the address and returns its URL. Rejects with the system's error, as EADDRINUSE. */
  async listen(): Promise<string> {
    const address = this.#address;
    if (address.kind === "unix") {
      // The file that a dead process left behind would count as in use for ever.
      await removeStaleSocket(address.path);
      await this.#server.listen({ path: address.path });
      return `unix:${address.path}`;
    }
    await this.#server.listen({ port: address.port, host: address.host === "" ? "::" : address.host });
    const bound = this.#server.server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
    const host = address.host === "" ? "[::]" : address.host.includes(":") ? `[${address.host}]` : address.host;
    return `http://${host}:${port}`;
  }

  async close(): Promise<void> {
    this.#actions.close();
    await this.#server.close();
  }
}

/** Removes the file of a unix socket that nobody listens on. */
async function removeStaleSocket(path: string): Promise<void> {
  const alive = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => (socket.destroy(), resolve(true)));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
  if (!alive) await rm(path, { force: true });
}
