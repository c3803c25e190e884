import net from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { SlotAllocator } from "../config/slots.ts";
import { Scoreboard } from "../shared-memory/scoreboard.ts";
import { DataPlane } from "./data-plane.ts";
import { snapshotOf, webConfig } from "./plan.fixture.ts";

const planes: DataPlane[] = [];
const sockets: { destroy(): void }[] = [];
afterEach(() => {
  for (const plane of planes.splice(0)) plane.close();
  for (const socket of sockets.splice(0)) socket.destroy();
});

const fixed = (text: string) => ({ routes: [{ respond: { status: 200, body: text } }] });
const answering = (text: string, listener: object = {}) =>
  webConfig(["127.0.0.1:1"], {}, { ...fixed(text), ...listener });

function planeOf() {
  const logs: string[] = [];
  const scoreboard = Scoreboard.attach(Scoreboard.create({ servers: 16, workers: 1 }).handle, 0);
  const clock = { now: () => performance.now(), wall: () => Date.now() };
  const log = (level: string, message: string) => void logs.push(`${level} ${message}`);
  const plane = new DataPlane({ worker: 0, workers: 1, scoreboard, clock, log });
  planes.push(plane);
  const slots = new SlotAllocator(16);
  const apply = (config: Record<string, unknown>, bound: Record<string, number> = {}) =>
    plane.apply(snapshotOf(config, undefined, slots), bound);
  return { plane, apply, logs, scoreboard };
}

/** A client that reads until the text has come that is waited for. */
class Client {
  text = "";
  ended = false;
  readonly socket: net.Socket;
  #wake: (() => void) | undefined;

  constructor(port: number) {
    this.socket = net.connect(port, "127.0.0.1");
    sockets.push(this.socket);
    this.socket.on("data", (data: Buffer) => {
      this.text += data.toString("latin1");
      this.#wake?.();
    });
    const end = () => {
      this.ended = true;
      this.#wake?.();
    };
    this.socket.on("end", end).on("close", end).on("error", end);
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
  /** Sends a request on this connection and returns the answer's body. */
  async get(): Promise<string> {
    this.text = "";
    this.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await this.until(() => /\r\n\r\n./s.test(this.text) || this.ended);
    return this.text.slice(this.text.indexOf("\r\n\r\n") + 4);
  }
}

describe("DataPlane", () => {
  it("binds, says where, and answers", async () => {
    const { apply } = planeOf();
    const ports = await apply(answering("one", { listen: ["127.0.0.1:0", "127.0.0.1:0"] }));
    expect(Object.keys(ports)).toEqual(["web/0", "web/1"]);
    for (const port of Object.values(ports)) expect(await new Client(port).get()).toBe("one");
  });

  it("takes the ports that another worker got", async () => {
    const first = await planeOf().apply(answering("one"));
    expect(await planeOf().apply(answering("one"), first)).toEqual(first);
  });

  it("changes what a kept listener does, on open connections too", async () => {
    const { apply } = planeOf();
    const ports = await apply(answering("one"));
    const client = new Client(ports["web/0"]);
    expect(await client.get()).toBe("one");
    expect(await apply(answering("two"), ports)).toEqual(ports);
    expect(await client.get()).toBe("two");
  });

  it("keeps everything as it was when an address is taken", async () => {
    const { apply } = planeOf();
    const taken = net.createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as net.AddressInfo;
    const ports = await apply(answering("one"));
    const listeners = {
      web: { listen: "127.0.0.1:0", ...fixed("two") },
      more: { listen: `127.0.0.1:${port}`, ...fixed("x") },
    };
    await expect(apply({ ...answering("two"), listeners }, ports)).rejects.toMatchObject({
      message: `listener more: cannot listen on 127.0.0.1:${port}: the address is in use`,
      code: "EADDRINUSE",
    });
    expect(await new Client(ports["web/0"]).get()).toBe("one");
    taken.close();
  });

  it("gives up listeners that are gone: idle connections end, and new ones are refused", async () => {
    const { apply, scoreboard } = planeOf();
    const ports = await apply(answering("one"));
    const idle = new Client(ports["web/0"]);
    await idle.get();
    expect(scoreboard.clients.open(scoreboard.clients.listenerSlot("web"))).toBe(1);
    expect(await apply({ listeners: {}, pools: {} }, ports)).toEqual({});
    await idle.until(() => idle.ended);
    idle.socket.destroy();
    const late = new Client(ports["web/0"]);
    await late.until(() => late.ended);
    expect(late.text).toBe("");
  });

  it("refuses connections over the limit", async () => {
    const { apply } = planeOf();
    const ports = await apply(answering("one", { limits: { maxConnections: 1 } }));
    const first = new Client(ports["web/0"]);
    expect(await first.get()).toBe("one");
    const second = new Client(ports["web/0"]);
    await second.until(() => second.ended);
    expect(await first.get()).toBe("one");
  });

  it("drains: who is busy gets the answer, who is idle is ended, and it says when all are gone", async () => {
    const { apply, plane } = planeOf();
    let release!: () => void;
    let heard!: () => void;
    const asked = new Promise<void>((resolve) => (heard = resolve));
    const origin = net.createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      socket.once("data", () => {
        release = () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast");
        heard();
      });
    });
    await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
    const ports = await apply(webConfig([`127.0.0.1:${(origin.address() as net.AddressInfo).port}`]));
    const [idle, busy] = [new Client(ports["web/0"]), new Client(ports["web/0"])];
    const answer = busy.get();
    await asked;
    let drained = false;
    const drain = plane.drain(10_000).then(() => (drained = true));
    await idle.until(() => idle.ended);
    idle.socket.destroy();
    expect(drained).toBe(false);
    release();
    expect(await answer).toBe("last");
    expect(busy.text).toContain("\r\nConnection: close\r\n");
    await busy.until(() => busy.ended);
    busy.socket.destroy();
    await drain;
    origin.close();
  });

  it("cuts what is left when the time to drain is over", async () => {
    const { apply, plane } = planeOf();
    const origin = net.createServer((socket) => void sockets.push(socket.on("error", () => undefined)));
    await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
    const ports = await apply(webConfig([`127.0.0.1:${(origin.address() as net.AddressInfo).port}`]));
    const busy = new Client(ports["web/0"]);
    const answer = busy.get();
    await new Promise<void>((resolve) => origin.once("connection", () => resolve()));
    await plane.drain(0);
    expect(await answer).toBe("");
    origin.close();
  });
});
