import { isServed } from "../../core/health/degradation.ts";
import type { ClientBoard } from "../../shared-memory/client-board.ts";
import { Alert, fatalAlert, type AlertDescription } from "../../tls/alert.ts";
import { ClientHelloReader, COMPLETE, REFUSED } from "../../tls/client-hello-reader.ts";
import type { HostedConnection } from "../http/connection-host.ts";
import type { ListenerPlan } from "../plan.ts";
import type { Timed } from "../timer-wheel.ts";
import type { WorkerContext } from "../worker-context.ts";
import { HeldBytes } from "./held-bytes.ts";
import { HelloRequest } from "./hello-request.ts";
import { Relay, type RelayOwner } from "./relay.ts";
import { RelayEnd, type EndUser } from "./relay-end.ts";
import { ServerDialer, type DialOwner } from "./server-dialer.ts";
import type { ServerLink } from "./server-link.ts";

/** The listener, as its sessions see it. */
export interface SessionHost {
  readonly plan: ListenerPlan;
  readonly context: WorkerContext;
  readonly clients: ClientBoard;
  readonly slot: number;
  closed(session: HostedConnection): void;
  /** A client was refused. */
  refused(client: string, reason: string): void;
}

/** How long a refused client may take to read why, in ms, and how many bytes it may send meanwhile. */
const LINGER = 1000;
const MAX_DROPPED = 262_144;

/** The ClientHello is awaited; */
const HELLO = 0;
/** a server is looked for, and nothing is read; */
const DIALING = 1;
/** bytes go both ways; */
const RELAYING = 2;
/** the client was refused: what it still sends is dropped. */
const REFUSING = 3;

/** A client's connection that is passed on by the name in its ClientHello, without being decrypted. */
export class PassthroughSession implements HostedConnection, EndUser, DialOwner, RelayOwner, Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly relayEnd: RelayEnd = new RelayEnd(this);
  readonly #host: SessionHost;
  readonly #context: WorkerContext;
  /** The client's address. */
  readonly #client: string;
  #state = HELLO;
  #reader: ClientHelloReader | null = new ClientHelloReader();
  readonly #held = new HeldBytes();
  #dropped = 0;
  #dialer: ServerDialer | null = null;
  #relay: Relay | null = null;
  #link: ServerLink | null = null;

  constructor(host: SessionHost, client: string) {
    this.#host = host;
    this.#context = host.context;
    this.#client = client;
    this.#wait(host.plan.config.tls!.handshakeTimeout);
  }

  // --- the ClientHello ---

  onData(buffer: Buffer, length: number): boolean {
    if (this.#state === REFUSING) return this.#drop(length);
    this.#held.append(buffer, length);
    if (this.#state !== HELLO) return false;
    switch (this.#reader!.read(buffer, 0, length)) {
      case COMPLETE:
        this.#route(new HelloRequest(this.#client, this.#reader!.hello!));
        return !this.#isDialing;
      case REFUSED: {
        const { alert, reason } = this.#reader!.fault!;
        this.#refuse(alert, reason);
        return true;
      }
      default:
        return true;
    }
  }

  get #isDialing(): boolean {
    return this.#state === DIALING;
  }

  #route(request: HelloRequest): void {
    const { plan } = this.#host;
    this.#reader = null;
    this.#context.wheel.disarm(this);
    const index = plan.table.match(request);
    if (index < 0) return this.#refuse(Alert.unrecognizedName, "no route matches");
    const route = plan.routes[index]!;
    let pool = route.choosePool(this.#context.random);
    if (pool.isGuarded) {
      pool = pool.standIn();
      if (!isServed(pool.level, route.importance)) return this.#refuse(Alert.internalError, "degraded");
    }
    this.#state = DIALING;
    this.#dialer = new ServerDialer(this.#context, this);
    this.#dialer.begin(pool, pool.hashKey === null ? 0 : pool.hashKey(request));
  }

  /** Tells the client in clear why there is no connection, and closes. */
  #refuse(alert: AlertDescription, reason: string): void {
    const { clients, slot } = this.#host;
    this.#host.refused(this.#client, reason);
    clients.addBytes(slot, this.#held.length, 0);
    this.#held.take();
    this.#reader = null;
    this.#state = REFUSING;
    // Its end alone: a connection that is closed with something unread in it is reset, and the alert may be lost.
    this.relayEnd.write(fatalAlert(alert));
    this.relayEnd.endSending();
    this.relayEnd.resume();
    this.#wait(LINGER);
  }

  #drop(length: number): boolean {
    this.#dropped += length;
    if (this.#dropped > MAX_DROPPED) this.relayEnd.destroy();
    return true;
  }

  // --- the server ---

  dialed(link: ServerLink): void {
    const { plan, clients, slot } = this.#host;
    this.#dialer = null;
    this.#link = link;
    this.#state = RELAYING;
    clients.upgraded(slot);
    this.#relay = new Relay(this.relayEnd, link.relayEnd, this.#context, plan.config.limits.tunnelIdleTimeout, this);
    link.begin();
    this.#relay.begin(this.#held.take());
  }

  dialFailed(error: { readonly code: string }): void {
    this.#dialer = null;
    this.#refuse(Alert.internalError, error.code);
  }

  linkClosing(): void {
    this.#relay?.close();
  }

  count(fromClient: number, fromServer: number): void {
    this.#host.clients.addBytes(this.#host.slot, fromClient, fromServer);
    this.#context.scoreboard.addBytes(this.#link!.server.slot, fromServer, fromClient);
  }

  // --- the listener ---

  /** Who has not begun is not begun with. A relay lasts until one side ends it, or the listener's time is over. */
  drain(): void {
    if (this.#state === HELLO && this.#held.length === 0) this.relayEnd.destroy();
  }

  closeTunnel(): void {
    this.#relay?.close();
  }

  cut(): void {
    this.#dialer?.cut();
    this.#dialer = null;
    if (this.#relay === null) this.relayEnd.destroy();
    else this.#relay.cut();
  }

  // --- the client's connection ---

  onConnect(): void {}
  onFirstData(): void {}

  /** Before there is a relay: nothing more can come of it. */
  onEnd(): void {
    if (this.#state === HELLO) this.relayEnd.destroy();
  }

  onDeadline(): void {
    // Too slow with its hello, or with reading why it was refused.
    if (this.#state === HELLO && this.#held.length > 0)
      this.#host.refused(this.#client, "the ClientHello did not arrive in time");
    this.relayEnd.destroy();
  }

  onClose(): void {
    this.#context.wheel.disarm(this);
    this.#dialer?.cut();
    this.#dialer = null;
    this.#host.closed(this);
  }

  onBug(error: unknown): void {
    this.#context.log("error", `pass-through: ${error instanceof Error ? error.stack : String(error)}`);
  }

  #wait(time: number): void {
    this.deadline = this.#context.now + time;
    this.#context.wheel.arm(this);
  }
}
