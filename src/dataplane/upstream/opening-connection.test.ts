import { beforeEach, describe, expect, it, vi } from "vitest";
import type { UpstreamTlsConfig } from "../../config/tls-schema.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { forgetOpened, opened, settled } from "../socket.fixture.ts";
import { testWorker } from "../worker.fixture.ts";
import { PassiveHealth } from "../health/passive-health.ts";
import { FakeHttp2Server } from "./http2/http2-server.fixture.ts";
import { ServerConnections } from "./server-connections.ts";
import { PoolTls, ServerTls } from "./server-tls.ts";
import { offers } from "./tls-connect.fixture.ts";
import { FakeUser, poolConfig } from "./upstream-user.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
vi.mock("../tls/client-tls.ts", () => import("./tls-connect.fixture.ts"));
beforeEach(() => {
  forgetOpened();
  offers.length = 0;
});

const address = { host: "127.0.0.1", port: 1 };
const GET = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

function bench(upstream: object = {}) {
  const context = testWorker();
  const config = poolConfig({ servers: ["127.0.0.1:1"], upstream: { protocol: "auto", tls: {}, ...upstream } });
  const pool = new PoolTls(config.upstream.tls as UpstreamTlsConfig);
  pool.follow();
  const connections = new ServerConnections(address, 0, config.upstream, context, new ServerTls(pool, address));
  connections.passive = new PassiveHealth({ config, slots: [0], scoreboard: context.scoreboard, random: () => 0.5 });
  return { connections, context };
}

function asking(connections: ServerConnections, count: number, upgrade = false): FakeUser[] {
  return Array.from({ length: count }, () => {
    const user = new FakeUser();
    user.wantsUpgrade = upgrade;
    connections.acquire(user, false);
    return user;
  });
}

/** The handshake of the connection that was opened as that one is over, with this result. */
function shakeHands(index: number, alpn: string): void {
  opened[index].alpn = alpn;
  opened[index].connected();
}

describe("a connection whose handshake decides what is spoken", () => {
  it("is waited for by all at first, and carries them if it is HTTP/2", async () => {
    const { connections, context } = bench();
    const users = asking(connections, 5);
    expect([opened.length, offers]).toEqual([1, [["127.0.0.1", "h2", "http/1.1"]]]);
    shakeHands(0, "h2");
    const server = new FakeHttp2Server(opened[0]);
    await server.turn();
    expect(users.map(({ calls }) => calls)).toEqual(users.map(() => ["connection"]));
    users[0].send(GET);
    await server.turn();
    expect(server.streams[0].fields).toContain(":scheme: https");
    expect([connections.size, context.scoreboard.connections(0)]).toEqual([1, 1]);
  });

  it.each(["http/1.1", ""])("carries one at a time if the server chooses %j, and more are opened", (alpn) => {
    const { connections } = bench();
    const users = asking(connections, 3);
    shakeHands(0, alpn);
    expect(users.map(({ calls }) => calls)).toEqual([["connection"], [], []]);
    expect(opened.length).toBe(3);
    shakeHands(1, alpn);
    shakeHands(2, alpn);
    users[0].send(GET);
    opened[0].receive("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect([users[0].calls, users[2].calls]).toEqual([["connection", "whole 200 ok", "end"], ["connection"]]);
    // What the server spoke is remembered: two more need one more connection.
    asking(connections, 2);
    expect(opened.length).toBe(4);
  });

  it("follows a server that changes its mind", async () => {
    const { connections } = bench();
    const [first] = asking(connections, 1);
    shakeHands(0, "http/1.1");
    const others = asking(connections, 2);
    expect(opened.length).toBe(3);
    shakeHands(1, "h2");
    await new FakeHttp2Server(opened[1]).turn();
    expect([first, ...others].map(({ calls }) => calls)).toEqual([["connection"], ["connection"], ["connection"]]);
  });

  it("is HTTP/1.1 for an upgrade, and a server that cannot do that is not taken for unreachable", async () => {
    const { connections, context } = bench();
    const [user] = asking(connections, 1, true);
    expect([offers, user.calls]).toEqual([[["127.0.0.1", "http/1.1"]], ["connection to come"]]);
    shakeHands(0, "http/1.1");
    expect(user.calls.at(-1)).toBe("connected");
    const [other] = asking(connections, 1, true);
    const code = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";
    opened[1].reset(Object.assign(new Error("no protocol"), { code }));
    const [third] = asking(connections, 1, true);
    opened[2].reset(Object.assign(new Error("no protocol"), { code }));
    expect([other.calls.at(-1), third.calls.at(-1)]).toEqual(["failure connect_failed", "failure connect_failed"]);
    expect(context.scoreboard.health.flags(0)).toBe(0);
  });
});

describe("a connection that has to be HTTP/2", () => {
  it("offers nothing else, and is given up when the server chooses nothing", async () => {
    const { connections, context } = bench({ protocol: "http2" });
    const users = asking(connections, 2);
    expect(offers).toEqual([["127.0.0.1", "h2"]]);
    shakeHands(0, "");
    await settled();
    expect(users.map(({ calls }) => calls)).toEqual([["none: connect_failed"], ["none: connect_failed"]]);
    expect(context.logs).toEqual([
      "warn server 127.0.0.1:1: cannot connect: the server does not choose HTTP/2 in the TLS handshake (ALPN)",
    ]);
    expect(opened[0].destroyed).toBe(true);
  });
});

describe("TLS to a server", () => {
  it("is asked for HTTP/1.1 by name, and one connection is enough to know that it cannot be trusted", () => {
    const { connections, context } = bench({ protocol: "http1", tls: { serverName: "app.example" } });
    const [user] = asking(connections, 1);
    expect(offers).toEqual([["app.example", "http/1.1"]]);
    opened[0].reset(Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" }));
    expect(user.calls).toEqual(["connection to come", "failure connect_failed"]);
    expect(context.scoreboard.health.flags(0)).toBe(HealthFlag.unreachable);
    expect(context.logs).toEqual(["warn server 127.0.0.1:1: cannot connect: certificate has expired"]);
  });

  it("is not begun without usable certificates, and nothing is sent in the clear", () => {
    const { connections, context } = bench({ protocol: "http1" });
    const pool = new PoolTls({ verify: true, ca: ["x"], minVersion: "TLSv1.2" });
    pool.follow({ ca: [], cert: "no certificate", key: "no key" });
    expect(pool.problem).not.toBe("");
    connections.tls = new ServerTls(pool, address);
    const [user] = asking(connections, 1);
    expect([user.calls, opened.length]).toEqual([["none: connect_failed"], 0]);
    expect(context.logs[0]).toMatch(/^warn server 127\.0\.0\.1:1: cannot connect: TLS: /);
  });

  it("keeps the certificates that it has when new ones cannot be used, and its context while nothing changes", () => {
    const pool = new PoolTls({ verify: true, ca: [], minVersion: "TLSv1.2" });
    pool.follow({ ca: [], cert: null, key: null });
    const { context } = pool;
    pool.follow({ ca: [], cert: null, key: null });
    expect(pool.context).toBe(context);
    pool.follow({ ca: [], cert: "no certificate", key: "no key" });
    expect([pool.context, pool.problem === ""]).toEqual([context, false]);
  });
});
