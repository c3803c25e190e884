import type { ListenerPlan } from "../plan.ts";
import type { UpstreamServer } from "../upstream/upstream-server.ts";
import type { WorkerContext } from "../worker-context.ts";

/** The client's end of a tunnel: its connection, or a stream of it. */
export interface TunnelClient {
  readBuffer: Buffer;
  /** Bytes written that the kernel has not taken. */
  readonly unsent: number;
  readonly needsDrain: boolean;
  write(bytes: Uint8Array): void;
  /** Reads go on, if they were paused. */
  resumeReading(): void;
  /** Sends what was written, then the end. */
  endSending(): void;
  /** Ends the connection without ceremony. */
  cut(): void;
}

/** The server's end of a tunnel: the leg of the exchange that asked for it. */
export interface TunnelServer {
  readonly server: UpstreamServer | null;
  /** The connection has taken all that was sent, so that what was handed over may be overwritten. */
  readonly taken: boolean;
  /** Bytes sent that it has not taken. */
  readonly unsent: number;
  /** False asks the client to pause. */
  tunnelSend(bytes: Uint8Array): boolean;
  /** Reads from the server go on, if they were paused. */
  resume(): void;
  /** The client has sent its last byte. */
  tunnelClientEnded(): void;
}

/** What a tunnel needs of its listener. */
export interface TunnelHost {
  readonly plan: ListenerPlan;
  readonly context: WorkerContext;
  /** The listener's place in the scoreboard. */
  readonly slot: number;
  /** WebSockets that are open. */
  webSockets: number;
}
