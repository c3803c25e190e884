import { beforeEach, describe, expect, it, vi } from "vitest";
import { webConfig } from "../plan.fixture.ts";
import { forgetOpened, opened, openedTo, settled } from "../socket.fixture.ts";
import { TestProxy } from "./proxy.fixture.ts";
import type { ClientConnection } from "./client-connection.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

const get = (path = "/", ...lines: string[]) => `${[`GET ${path} HTTP/1.1`, "Host: a", ...lines].join("\r\n")}\r\n\r\n`;
const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const limits = (values: object) => new TestProxy(webConfig(["127.0.0.1:1"], {}, { limits: values }));

describe("ClientConnection: requests", () => {
  it("relays one and waits for the next on the same connections", async () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    const client = proxy.connect();
    for (const path of ["/a", "/b"]) {
      client.receive(get(path));
      if (path === "/a") opened[0].connected();
      await settled();
      expect(opened[0].takeSent()).toMatch(new RegExp(`^GET ${path} HTTP/1.1\r\nHost: a\r\n.*\r\n\r\n$`, "s"));
      opened[0].receive(ok(path));
      expect(client.takeSent()).toBe(ok(path));
    }
    expect(openedTo).toEqual(["127.0.0.1:1"]);
    expect(client.ended).toBe(false);
  });

  it("takes a head in any pieces and answers pipelined requests in order, one at a time", async () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    const client = proxy.connect();
    for (const byte of get("/a")) client.receive(byte);
    client.receive(get("/b") + get("/c"));
    // Reading has stopped: what a client sends early stays in the kernel.
    client.receive(get("/d"));
    expect(client.reading).toBe(false);
    opened[0].connected();
    for (const path of ["/a", "/b", "/c", "/d"]) {
      await settled();
      expect(opened[0].takeSent()).toContain(`GET ${path} `);
      expect(client.takeSent()).toBe("");
      opened[0].receive(ok(path));
      expect(client.takeSent()).toBe(ok(path));
    }
    expect(opened).toHaveLength(1);
  });

  it("refuses a malformed head, counts it and closes gently", async () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    const client = proxy.connect();
    client.receive("GET / HTTP/1.1\nHost: a\n\n");
    expect(client.sent).toMatch(/^HTTP\/1.1 400 /);
    expect(client.sent).toContain("\r\nConnection: close\r\n");
    expect([client.ended, client.destroyed]).toEqual([true, false]);
    // What still comes is thrown away, until the client closes too.
    client.receive(get("/more"));
    client.peerEnd();
    await settled();
    expect(client.destroyed).toBe(true);
    expect([opened.length, proxy.closedCount]).toEqual([0, 1]);
  });

  it("throws away 1 MiB after the last answer, and no more", () => {
    const client = limits({ maxRequestsPerConnection: 1 }).connect();
    client.receive("GET / HTTP/1.1\r\n\r\n");
    for (let i = 0; i < 16; i++) client.receive(Buffer.alloc(65_536));
    expect(client.destroyed).toBe(false);
    client.receive("x");
    expect(client.destroyed).toBe(true);
  });

  it("announces the end at the limit of requests", async () => {
    const client = limits({ maxRequestsPerConnection: 2 }).connect();
    client.receive(get("/a"));
    opened[0].connected();
    opened[0].receive(ok("1"));
    expect(client.takeSent()).not.toContain("Connection");
    client.receive(get("/b"));
    await settled();
    opened[0].receive(ok("2"));
    expect(client.takeSent()).toContain("\r\nConnection: close\r\n");
    expect(client.ended).toBe(true);
  });

  it.each([
    ["Connection: keep-alive", "Connection: keep-alive\r\n", false],
    ["Accept: */*", "Connection: close\r\n", true],
  ])("speaks HTTP/1.0 with those who do: %s", (line, answered, ends) => {
    const client = new TestProxy(webConfig(["127.0.0.1:1"])).connect();
    client.receive(`GET / HTTP/1.0\r\nHost: a\r\n${line}\r\n\r\n`);
    opened[0].connected();
    opened[0].receive(ok(""));
    expect([client.sent.includes(answered), client.ended]).toEqual([true, ends]);
  });

  it("asks servers in the client's name", async () => {
    const client = new TestProxy(webConfig(["127.0.0.1:1"])).connect("198.51.100.9", true);
    client.receive(get());
    opened[0].connected();
    expect(opened[0].sent).toContain(
      "X-Forwarded-For: 198.51.100.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 8080\r\nX-Forwarded-Host: a\r\n",
    );
    expect(opened[0].sent).toContain("X-Request-Id: id-0\r\n");
  });
});

describe("ClientConnection: deadlines", () => {
  it("ends an idle connection without a word", async () => {
    const proxy = limits({ idleTimeout: "5s" });
    const client = proxy.connect();
    proxy.context.advance(4900);
    expect(client.ended).toBe(false);
    proxy.context.advance(200);
    expect([client.ended, client.sent]).toEqual([true, ""]);
    proxy.context.advance(2100);
    expect(client.destroyed).toBe(true);
    await settled();
    expect(proxy.closedCount).toBe(1);
  });

  it("gives a head its time from its first byte on, and more bytes do not extend it", () => {
    const proxy = limits({ headTimeout: "3s" });
    const client = proxy.connect();
    for (const byte of "GET / ") {
      client.receive(byte);
      proxy.context.advance(400);
    }
    expect(client.sent).toBe("");
    client.receive("H");
    proxy.context.advance(700);
    expect(client.sent).toMatch(/^HTTP\/1.1 408 .*"code":"head_timeout"/s);
    expect(client.ended).toBe(true);
  });

  it("gives each piece of a body its time", () => {
    const proxy = limits({ bodyTimeout: "2s" });
    const client = proxy.connect();
    client.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    opened[0].connected();
    for (let i = 0; i < 3; i++) {
      proxy.context.advance(1900);
      client.receive("x");
    }
    expect(client.sent).toBe("");
    proxy.context.advance(2100);
    expect(client.sent).toMatch(/^HTTP\/1.1 408 .*"code":"body_timeout"/s);
    expect(opened[0].destroyed).toBe(true);
  });

  it("gives a half-closed client its answer if it begins within a second, and cuts it otherwise", async () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    const quick = proxy.connect();
    quick.receive(get("/quick", "Connection: close"));
    quick.peerEnd();
    opened[0].connected();
    proxy.context.advance(900);
    opened[0].receive(ok("there"));
    expect(quick.sent).toContain("there");
    const slow = proxy.connect();
    slow.receive(get("/slow"));
    slow.peerEnd();
    await settled();
    proxy.context.advance(1100);
    await settled();
    expect([slow.destroyed, slow.sent, opened[0].destroyed]).toEqual([true, "", true]);
    expect(proxy.context.scoreboard.inFlight(0)).toBe(0);
  });

  it("cuts a client that does not take its answer", async () => {
    const proxy = limits({ bodyTimeout: "2s" });
    const client = proxy.connect();
    client.receive(get());
    opened[0].connected();
    client.stall();
    opened[0].receive("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
    for (let i = 0; i < 4; i++) opened[0].receive(Buffer.alloc(60_000));
    expect([client.writableNeedDrain, opened[0].reading]).toEqual([true, false]);
    proxy.context.advance(1900);
    expect(client.destroyed).toBe(false);
    proxy.context.advance(200);
    await settled();
    expect([client.destroyed, opened[0].destroyed, proxy.closedCount]).toEqual([true, true, 1]);
  });
});

describe("ClientConnection: the end", () => {
  it("lets go of the server when the client breaks off", async () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    const client = proxy.connect();
    client.receive(get());
    opened[0].connected();
    client.reset();
    await settled();
    expect(opened[0].destroyed).toBe(true);
    expect([proxy.context.scoreboard.inFlight(0), proxy.context.scoreboard.connections(0)]).toEqual([0, 0]);
  });

  it("drains: idle connections end at once, busy ones after their answer", () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    const [idle, busy] = [proxy.connect(), proxy.connect()];
    busy.receive(get());
    opened[0].connected();
    proxy.context.draining = true;
    for (const socket of [idle, busy]) (socket.owner as ClientConnection).drain();
    expect([idle.ended, busy.ended]).toEqual([true, false]);
    opened[0].receive(ok("last"));
    expect(busy.sent).toContain("\r\nConnection: close\r\n");
    expect(busy.ended).toBe(true);
  });

  it("logs a bug of its own code", () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    proxy.connect().owner.onBug(new Error("oops"));
    expect(proxy.context.logs[0]).toMatch(/^error client connection: Error: oops/);
  });
});

describe("ClientConnection: tunnels", () => {
  const upgrade = get("/chat", "Connection: Upgrade", "Upgrade: websocket");
  const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

  it("pass bytes both ways and each half's end", async () => {
    const client = new TestProxy(webConfig(["127.0.0.1:1"])).connect();
    client.receive(`${upgrade}early`);
    opened[0].connected();
    expect(opened[0].takeSent()).toContain("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    opened[0].receive(`${switched}hello`);
    await settled();
    expect(client.takeSent()).toMatch(/^HTTP\/1.1 101 .*\r\n\r\nhello$/s);
    expect(opened[0].takeSent()).toBe("early");
    client.receive("up");
    opened[0].receive("down");
    expect([opened[0].takeSent(), client.takeSent()]).toEqual(["up", "down"]);
    client.peerEnd();
    expect([opened[0].ended, client.ended]).toEqual([true, false]);
    opened[0].receive("rest");
    opened[0].peerEnd();
    await settled();
    expect(client.sent).toBe("rest");
    expect([opened[0].destroyed, client.destroyed]).toEqual([true, true]);
  });

  it("stop reading on the side whose bytes the other one does not take", async () => {
    const client = new TestProxy(webConfig(["127.0.0.1:1"])).connect();
    client.receive(upgrade);
    opened[0].connected();
    opened[0].receive(switched);
    await settled();
    opened[0].takeSent();
    opened[0].stall();
    const pieces = Array.from({ length: 5 }, (_, i) => Buffer.alloc(30_000, 97 + i));
    for (const piece of pieces) client.receive(piece);
    expect(client.reading).toBe(false);
    opened[0].flow();
    await settled();
    await settled();
    expect(client.reading).toBe(true);
    expect(opened[0].sent === Buffer.concat(pieces).toString()).toBe(true);
  });

  it.each(["websocket", "chat"])("that are silent for long end: %s", async (protocol) => {
    const proxy = limits({ tunnelIdleTimeout: "10s" });
    const client = proxy.connect();
    client.receive(upgrade.replace("websocket", protocol));
    opened[0].connected();
    opened[0].receive(switched.replace("websocket", protocol));
    proxy.context.advance(9000);
    client.receive("x");
    proxy.context.advance(9000);
    expect([client.destroyed, client.ended]).toEqual([false, false]);
    proxy.context.advance(1100);
    if (protocol === "websocket") {
      // In good order: the Close frame, the ends of the streams, and only then the end of patience.
      expect(client.takeSent().slice(-6)).toBe("\x03\xe9idle");
      proxy.context.advance(4100);
    }
    await settled();
    expect([client.destroyed, opened[0].destroyed]).toEqual([true, true]);
  });
});
