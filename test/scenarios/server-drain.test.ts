import { describe, expect, it } from "vitest";
import { ChatClient, startChatOrigin } from "../support/chat-origin.ts";
import { Load } from "../support/load.ts";
import { serverCounters, startProxy, waitForQuiet, webConfig } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { act, noRequests, onlyOne, twoServers } from "../support/two-servers.ts";
import { waitFor } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HELD = "GET /held HTTP/1.1\r\nHost: a\r\n\r\n";
const GOING_AWAY = "1001 going away";

describe("draining a server under load", () => {
  it("sends it nothing new, lets a request finish, and closes WebSockets with 1001 when the time is over", async () => {
    const { one, two, evenkeel } = await twoServers();
    const [chat, slow] = await onlyOne(evenkeel, two, async () => {
      const client = await ChatClient.connect(evenkeel.url());
      const waiting = await RawClient.connect(evenkeel.port());
      await waiting.send(HELD);
      await waitFor("the held request", () => one.held.length === 1);
      return [client, waiting] as const;
    });
    chat.chatter(3000);
    const load = new Load(evenkeel.port(), { clients: 8, request: () => GET, fresh: (client) => client % 2 === 0 });
    await waitFor("load on both", () => one.quick > 50 && two.quick > 50);

    const answer = await act(evenkeel, one, "drain", { timeout: "4s" });
    const start = Date.now();
    expect(answer.server.state).toBe("draining");
    expect(answer.drainTimeLeft).toBeGreaterThan(3900);
    expect(answer.inFlight).toBeGreaterThanOrEqual(2);
    // Requests that were chosen before the flag was seen may still be on their way.
    await waitFor("the last request", async () => {
      const before = one.quick;
      const served = load.served;
      await waitFor("more load", () => load.served > served + 200);
      return one.quick === before;
    });
    const last = one.quick;
    one.held[0].end("at last");
    expect((await slow.response()).body.toString()).toBe("at last");
    const echoed = chat.messages;
    await waitFor("echoes during the drain", () => chat.messages > echoed + 20);
    expect(chat.socket.readyState).toBe(chat.socket.OPEN);

    expect(await chat.closed).toBe(GOING_AWAY);
    expect(Date.now() - start).toBeGreaterThan(3800);
    expect(Date.now() - start).toBeLessThan(8000);
    await waitFor("the server's side of the close", () => one.closes.length === 1);
    expect(one.closes).toEqual([GOING_AWAY]);
    await evenkeel.waitForLog(new RegExp(`server ${one.address} of pool web: drained after`));
    await load.stop();
    expect([load.failures, one.quick]).toEqual([[], last]);
    await waitForQuiet(evenkeel);
    await waitFor("its connections to close", async () => (await serverCounters(evenkeel))[0].connections === 0);
    const [drained] = await serverCounters(evenkeel);
    expect(drained).toMatchObject({ inFlight: 0, connections: 0, errors: 0 });

    await act(evenkeel, one, "resume");
    await waitFor("work for it again", async () => (await exchange(evenkeel.port(), GET)).body.toString() === "one");
  });

  it("retries what it had not begun to answer when the time is over, or says so with 503 and a close", async () => {
    const { one, two, evenkeel } = await twoServers();
    const clients = await onlyOne(evenkeel, two, async () => {
      const [get, post] = [await RawClient.connect(evenkeel.port()), await RawClient.connect(evenkeel.port())];
      await get.send(HELD);
      await post.send("POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
      await waitFor("both requests", () => one.held.length === 2);
      return { get, post };
    });
    await act(evenkeel, one, "drain", { timeout: 0 });
    await waitFor("the retry", () => two.held.length === 1);
    two.held[0].end("from the other");
    expect((await clients.get.response()).body.toString()).toBe("from the other");
    const refused = await clients.post.response();
    expect(refused.status).toBe(503);
    expect(refused.headers["connection"]).toBe("close");
    expect(two.held).toHaveLength(1);
  });

  it.each(["drain", "maintenance"])("%s ends at once what is left when there is no time", async (action) => {
    const { one, two, evenkeel } = await twoServers();
    const chat = await onlyOne(evenkeel, two, () => ChatClient.connect(evenkeel.url()));
    await act(evenkeel, one, action, { timeout: 0 });
    expect(await chat.closed).toBe(GOING_AWAY);
    await waitForQuiet(evenkeel);
  });

  it("lasts over a reload", async () => {
    const { one, two, evenkeel } = await twoServers();
    const chat = await onlyOne(evenkeel, two, () => ChatClient.connect(evenkeel.url()));
    await act(evenkeel, one, "drain", { timeout: "3s" });
    const from = evenkeel.log.length;
    evenkeel.writeConfig(webConfig([two.address, one.address], { workers: 2, pool: { drainTimeout: "9m" } }));
    evenkeel.signal("SIGHUP");
    await evenkeel.waitForLog(/is in use/, from);
    const before = one.quick;
    for (let i = 0; i < 20; i++) expect((await exchange(evenkeel.port(), GET)).body.toString()).toBe("two");
    expect(one.quick).toBe(before);
    expect(await chat.closed).toBe(GOING_AWAY);
  });
});

describe("kill", () => {
  it.each<[string, Record<string, string>]>([
    ["", {}],
    [" (sockets of node:net)", { EVENKEEL_PLAIN_SOCKETS: "1" }],
  ])("closes WebSockets with 1001 on both sides at once, and the server gets new work%s", async (_how, env) => {
    const { one, two, evenkeel } = await twoServers({ env });
    const chats = await onlyOne(evenkeel, two, () =>
      Promise.all(Array.from({ length: 8 }, () => ChatClient.connect(evenkeel.url()))),
    );
    for (const [index, chat] of chats.entries()) chat.chatter(index * 20_000);
    await waitFor("traffic in all of them", () => chats.every((chat) => chat.messages > 10));
    const start = Date.now();
    await act(evenkeel, one, "kill");
    expect(await Promise.all(chats.map((chat) => chat.closed))).toEqual(chats.map(() => GOING_AWAY));
    expect(Date.now() - start).toBeLessThan(1500);
    await waitFor("the server's side", () => one.closes.length === chats.length);
    expect(new Set(one.closes)).toEqual(new Set([GOING_AWAY]));
    await waitForQuiet(evenkeel);
    await waitFor("new work", async () => (await exchange(evenkeel.port(), GET)).body.toString() === "one");
  });

  it("ends tunnels of other protocols without a reset", async () => {
    const origin = await startRawOrigin((_, connection) =>
      connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nwelcome"),
    );
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
    expect((await client.head()).status).toBe(101);
    await act(evenkeel, origin, "kill");
    expect((await client.readToEnd()).toString()).toBe("welcome");
    expect(client.ending).toBe("end");
    await waitFor("the server's connection to be closed", () => origin.open === 0);
    await waitForQuiet(evenkeel);
  });

  it("does not wait for ever for the rest of a frame, and does not reset then", async () => {
    const origin = await startRawOrigin((_, connection) =>
      connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    );
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    expect((await client.head()).status).toBe(101);
    await client.send("\x81\xfe\x10\x00");
    await waitFor("the beginning of the frame", () => origin.text.endsWith("\x81\xfe\x10\x00"));
    const start = Date.now();
    await act(evenkeel, origin, "kill");
    expect((await client.readToEnd()).toString("latin1")).toBe("\x88\x0c\x03\xe9going away");
    expect(client.ending).toBe("end");
    expect(Date.now() - start).toBeGreaterThan(1500);
    expect(Date.now() - start).toBeLessThan(6000);
    await waitFor("the server's connection to be closed", () => origin.open === 0);
    // No Close frame into the middle of another one.
    expect(origin.text.endsWith("\x81\xfe\x10\x00")).toBe(true);
    await waitForQuiet(evenkeel);
  });
});

describe("forced states", () => {
  it("take a server out and bring it back", async () => {
    const { one, two, evenkeel } = await twoServers();
    for (const action of ["down", "maintenance"]) {
      expect((await act(evenkeel, one, action)).server.state).toBe(action === "down" ? "down" : "maintenance");
      await noRequests(evenkeel, one);
      await act(evenkeel, one, action === "down" ? "auto" : "resume");
      await waitFor("work for it again", async () => (await exchange(evenkeel.port(), GET)).body.toString() === "one");
    }
    await act(evenkeel, two, "maintenance");
    await act(evenkeel, two, "up");
    await waitFor("work for the other", async () => (await exchange(evenkeel.port(), GET)).body.toString() === "two");
  });

  it("of the last server give a quick 503, and the node stays ready", async () => {
    const origin = await startChatOrigin("only");
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(GET);
    expect((await client.response()).status).toBe(200);
    const { warnings } = await act(evenkeel, origin, "drain");
    expect(warnings).toHaveLength(1);
    await waitFor("503", async () => {
      await client.send(GET);
      return (await client.response()).status === 503;
    });
    const start = performance.now();
    for (let i = 0; i < 20; i++) {
      await client.send(GET);
      expect((await client.response()).status).toBe(503);
    }
    expect((performance.now() - start) / 20).toBeLessThan(50);
    expect((await fetch(`${evenkeel.url("admin")}/readyz`)).status).toBe(200);
    await act(evenkeel, origin, "resume");
    await waitFor("200", async () => (await exchange(evenkeel.port(), GET)).status === 200);
  });
});

describe("a server that a reload removes", () => {
  it.each(["server", "pool"])("is drained in the same way: %s", async (what) => {
    const [one, two] = [await startChatOrigin("one"), await startChatOrigin("two")];
    const options = { workers: 2, pool: { drainTimeout: "2s" } };
    const evenkeel = await startProxy([one.address], options);
    const chat = await ChatClient.connect(evenkeel.url());
    const slow = await RawClient.connect(evenkeel.port());
    await slow.send(HELD);
    await waitFor("the held request", () => one.held.length === 1);
    chat.chatter(500);
    const config = webConfig([two.address], options);
    if (what === "pool") {
      const { web } = config["pools"] as { web: unknown };
      config["pools"] = { other: web };
      (config["listeners"] as { web: { pool: string } }).web.pool = "other";
    }
    const from = evenkeel.log.length;
    evenkeel.writeConfig(config);
    evenkeel.signal("SIGHUP");
    await evenkeel.waitForLog(/is in use/, from);
    const start = Date.now();
    expect((await exchange(evenkeel.port(), GET)).body.toString()).toBe("two");
    one.held[0].end("late");
    expect((await slow.response()).body.toString()).toBe("late");
    const echoed = chat.messages;
    await waitFor("echoes during the drain", () => chat.messages > echoed + 20);
    expect(await chat.closed).toBe(GOING_AWAY);
    expect(Date.now() - start).toBeGreaterThan(1500);
    await waitFor("the server's side", () => one.closes.length === 1);
    expect(one.closes).toEqual([GOING_AWAY]);
  });
});

describe("SIGTERM", () => {
  it("closes WebSockets with 1001 before the drain time is over, while requests have all of it", async () => {
    const origin = await startChatOrigin("one");
    const evenkeel = await startProxy([origin.address], { workers: 2, top: { drainTimeout: "2s" } });
    const chats = await Promise.all(Array.from({ length: 4 }, () => ChatClient.connect(evenkeel.url())));
    for (const chat of chats) chat.chatter(10_000);
    await waitFor("traffic", () => chats.every((chat) => chat.messages > 10));
    const start = Date.now();
    evenkeel.signal("SIGTERM");
    expect(await Promise.all(chats.map((chat) => chat.closed))).toEqual(chats.map(() => GOING_AWAY));
    expect(Date.now() - start).toBeGreaterThan(800);
    expect(await evenkeel.exited).toBe(0);
    expect(Date.now() - start).toBeLessThan(4000);
    await waitFor("the server's side", () => origin.closes.length === chats.length);
    expect(new Set(origin.closes)).toEqual(new Set([GOING_AWAY]));
  });
});
