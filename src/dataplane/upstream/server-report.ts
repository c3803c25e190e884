import { HealthFlag } from "../../shared-memory/health-flags.ts";
import type { SocketTarget } from "../transport.ts";
import type { WorkerContext } from "../worker-context.ts";

/** Takes down whether connections can be made. */
export interface ConnectOutcomes {
  connected(slot: number, now: number): void;
  /** `code` is the system's, or "timeout". */
  connectFailed(slot: number, code: string | undefined, now: number): void;
}

/** OpenSSL's word for an alert of RFC 7301 3.2: the server speaks none of the protocols that it was offered. */
const NO_PROTOCOL = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";

/** What is told of one server's connections: to passive health, and to the log, once a second at most. */
export class ServerReport {
  /** Who is told whether connections can be made; the pool's, or nobody for a server that is gone. */
  passive: ConnectOutcomes | null = null;
  readonly #where: string;
  readonly #slot: number;
  readonly #context: WorkerContext;
  #warnedAt = -Infinity;

  constructor(address: SocketTarget, slot: number, context: WorkerContext) {
    this.#where = "path" in address ? address.path : `${address.host}:${address.port}`;
    this.#slot = slot;
    this.#context = context;
  }

  reached(): void {
    this.passive?.connected(this.#slot, this.#context.now);
  }

  /**
   * @param chooses the server chooses the protocol: that it refuses the one that an upgrade needs does not mean that it
   * cannot be reached for the others
   * @param encrypted the reason is told even if the server is out because of it
   */
  unreachable(reason: string, code: string | undefined, chooses: boolean, encrypted: boolean): void {
    if (code !== NO_PROTOCOL || !chooses) this.passive?.connectFailed(this.#slot, code, this.#context.now);
    // That a server is out because of this has a line of its own, of which a flood of servers gets only some.
    const isOut = (this.#context.scoreboard.health.flags(this.#slot) & HealthFlag.unreachable) !== 0;
    if (encrypted || !isOut) this.warn(`cannot connect: ${reason}`);
  }

  warn(text: string): void {
    const { now } = this.#context;
    if (now - this.#warnedAt < 1000) return;
    this.#warnedAt = now;
    this.#context.log("warn", `server ${this.#where}: ${text}`);
  }
}
