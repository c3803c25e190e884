import { listenerTotals, serverTotals } from "../../shared-memory/totals.ts";
import { alpn, helloMessage, inRecords, sni } from "../../tls/client-hello.fixture.ts";
import { planOf, webConfig } from "../plan.fixture.ts";
import type { ListenerPlan, Plan } from "../plan.ts";
import { FakeSocket, opened, settled } from "../socket.fixture.ts";
import { testWorker, type TestWorker } from "../worker.fixture.ts";
import { PassthroughSession, type SessionHost } from "./passthrough-session.ts";

/** The first bytes of a client that asks for that name. */
export function helloFor(name: string): Buffer {
  return inRecords(helloMessage({ extensions: [sni(name), alpn("h2", "http/1.1")] }));
}

/** A pass-through listener without an address: clients are fake sockets. Tests mock connect.ts for the servers' side. */
export class TestPassthrough implements SessionHost {
  readonly context: TestWorker = testWorker();
  readonly clients = this.context.scoreboard.clients;
  readonly slot = this.clients.listenerSlot("web");
  readonly wholePlan: Plan;
  readonly plan: ListenerPlan;
  readonly sessions = new Set<object>();

  constructor(
    servers: readonly unknown[],
    pool: Readonly<Record<string, unknown>> = {},
    listener: Readonly<Record<string, unknown>> = {},
    pools: Readonly<Record<string, unknown>> = {},
  ) {
    const config = webConfig(servers, pool, { tls: { passthrough: true }, ...listener });
    this.wholePlan = planOf({ ...config, pools: { ...(config["pools"] as object), ...pools } }, this.context);
    this.plan = this.wholePlan.listeners.get("web")!;
  }

  /** A client connects. */
  connect(remote = "192.0.2.7"): { session: PassthroughSession; client: FakeSocket } {
    const session = new PassthroughSession(this, remote);
    const client = new FakeSocket(session.relayEnd);
    session.relayEnd.attach(client);
    this.sessions.add(session);
    return { session, client };
  }

  closed(session: object): void {
    this.sessions.delete(session);
  }

  refused(): void {
    this.clients.refused(this.slot);
  }

  /** Slots of the pool's servers, in order. */
  get slots(): readonly number[] {
    return this.wholePlan.pools.get("web")!.servers.map(({ slot }) => slot);
  }

  /** Lets that many ms pass, with what the worker does for its pools at each tick. */
  tick(ms: number): void {
    for (let left = ms; left > 0; left -= 50) {
      this.context.advance(Math.min(left, 50));
      for (const pool of this.wholePlan.pools.values()) pool.tick(this.context.now);
    }
  }

  /** What is counted for the listener. */
  get counted() {
    const { refused, upgrades, bytesIn, bytesOut } = listenerTotals(this.context.scoreboard.handle, this.slot);
    return { refused, upgrades, bytesIn, bytesOut };
  }

  /** What is counted for the server with that index. */
  server(index: number) {
    const slot = this.slots[index]!;
    const { scoreboard } = this.context;
    const { requests, errors, connectFailures, retries, bytesIn, bytesOut } = serverTotals(scoreboard.handle, slot);
    const live = { inFlight: scoreboard.inFlight(slot), connections: scoreboard.connections(slot) };
    return { requests, errors, connectFailures, retries, bytesIn, bytesOut, ...live };
  }

  /** A client whose connection is relayed. */
  async relayed(name = "a.test") {
    const { client, session } = this.connect();
    client.receive(helloFor(name));
    const upstream = opened.at(-1)!;
    upstream.connected();
    await settled();
    return { client, session, upstream };
  }
}
