import net from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { SlotAllocator } from "../config/slots.ts";
import { HealthFlag } from "../shared-memory/health-flags.ts";
import { Scoreboard } from "../shared-memory/scoreboard.ts";
import { DataPlane } from "./data-plane.ts";
import { snapshotOf, webConfig } from "./plan.fixture.ts";

/* What becomes of requests when the servers that have them are killed, drained, or changed by a reload. */

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).toReversed()) close();
});

/** Waits until it is so; the test's time limit is the only one. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A server that keeps requests until it is told to answer. */
class Origin {
  readonly waiting: net.Socket[] = [];
  readonly #server: net.Server;

  constructor(name: string) {
    this.name = name;
    this.#server = net.createServer((socket) => {
      closing.push(() => void socket.destroy());
      socket.on("error", () => undefined).on("data", () => this.waiting.push(socket));
    });
    closing.push(() => void this.#server.close());
  }
  readonly name: string;

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }
  answer(): void {
    this.waiting.shift()!.write(`HTTP/1.1 200 OK\r\nContent-Length: ${this.name.length}\r\n\r\n${this.name}`);
  }
}

class Client {
  text = "";
  constructor(port: number, method = "GET") {
    const socket = net.connect(port, "127.0.0.1");
    closing.push(() => void socket.destroy());
    socket.on("error", () => undefined).on("data", (data: Buffer) => (this.text += data.toString("latin1")));
    socket.write(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
  }
  /** The body of the answer, or the code of the error. */
  async outcome(): Promise<string> {
    await until(() => /\r\n\r\n./s.test(this.text));
    return /"code":"(\w+)"/.exec(this.text)?.[1] ?? this.text.slice(this.text.indexOf("\r\n\r\n") + 4);
  }
}

/** A plane with a server of slot 0 and one of slot 1 that is asked only when the first one is out. */
async function bench(server: Record<string, unknown> = {}, pool: Record<string, unknown> = {}) {
  const scoreboard = Scoreboard.attach(Scoreboard.create({ servers: 16, workers: 1 }).handle, 0);
  const clock = { now: () => performance.now(), wall: () => Date.now() };
  const logs: string[] = [];
  const log = (level: string, message: string) => void logs.push(`${level} ${message}`);
  const plane = new DataPlane({ worker: 0, workers: 1, scoreboard, clock, log });
  closing.push(() => plane.close());
  const slots = new SlotAllocator(16);
  const [first, second] = [new Origin("first"), new Origin("second")];
  const addresses = [await first.listen(), await second.listen()];
  let ports: Record<string, number> = {};
  const apply = async (change: Record<string, unknown> = {}, without = false) => {
    const servers = [
      { address: addresses[0], ...server },
      { address: addresses[1], priority: 1 },
    ];
    ports = await plane.apply(
      snapshotOf(webConfig(without ? servers.slice(1) : servers, { ...pool, ...change }), undefined, slots),
      ports,
    );
  };
  await apply();
  const ask = (method?: string) => new Client(ports["web/0"]!, method);
  return { plane, scoreboard, health: scoreboard.health, first, second, apply, ask, now: clock.now, logs };
}

describe("a server's connections", () => {
  it("end when an operator has them killed: what may be repeated goes elsewhere", async () => {
    const { health, first, second, ask, now } = await bench();
    const [get, post] = [ask(), ask("POST")];
    await until(() => first.waiting.length === 2);
    health.set(0, HealthFlag.forcedDown, now());
    health.kill(0);
    await until(() => second.waiting.length === 1);
    second.answer();
    expect([await get.outcome(), await post.outcome()]).toEqual(["second", "server_removed"]);
    expect(post.text).toContain("\r\nConnection: close\r\n");
  });

  it("end when the time to drain is over, and not before", async () => {
    const { health, first, second, ask, now } = await bench();
    const busy = ask();
    await until(() => first.waiting.length === 1);
    const end = now() + 300;
    health.setDrainUntil(0, end);
    health.set(0, HealthFlag.draining, now());
    // New ones go elsewhere at once.
    const next = ask();
    await until(() => second.waiting.length === 1);
    second.answer();
    expect([await next.outcome(), busy.text]).toEqual(["second", ""]);
    await until(() => second.waiting.length === 1);
    expect(now()).toBeGreaterThanOrEqual(end);
    second.answer();
    expect(await busy.outcome()).toBe("second");
  });

  it("are left alone by a drain that has been taken back", async () => {
    const { health, first, ask, now } = await bench();
    const busy = ask();
    await until(() => first.waiting.length === 1);
    health.setDrainUntil(0, now() + 150);
    health.set(0, HealthFlag.draining, now());
    health.clear(0, HealthFlag.draining, now());
    const late = now() + 300;
    await until(() => now() > late);
    first.answer();
    expect(await busy.outcome()).toBe("first");
  });
});

describe("a reload", () => {
  it("lets a server that is gone finish what it has", async () => {
    const { first, second, apply, ask } = await bench();
    const busy = ask();
    await until(() => first.waiting.length === 1);
    await apply({}, true);
    const next = ask();
    await until(() => second.waiting.length === 1);
    second.answer();
    first.answer();
    expect([await busy.outcome(), await next.outcome()]).toEqual(["first", "second"]);
  });

  it("ends what a server that is gone still has after the pool's drainTimeout", async () => {
    const { first, apply, ask } = await bench({}, { drainTimeout: "200ms" });
    const post = ask("POST");
    await until(() => first.waiting.length === 1);
    await apply({}, true);
    expect(await post.outcome()).toBe("server_removed");
  });

  it("does not forget requests that wait for a place in a pool that was replaced", async () => {
    const { scoreboard, health, first, apply, ask, now, logs } = await bench({ maxConnections: 1 });
    health.set(1, HealthFlag.maintenance, now());
    // Another worker has the only place.
    scoreboard.begin(0);
    const waiting = ask();
    const later = now() + 100;
    await until(() => now() > later);
    expect(first.waiting).toHaveLength(0);
    await apply({ queue: { timeout: "900ms" } });
    scoreboard.end(0);
    await until(() => first.waiting.length === 1);
    first.answer();
    expect(await waiting.outcome()).toBe("first");
    expect(logs).toEqual([]);
  });
});
