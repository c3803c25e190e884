import { describe, expect, it } from "vitest";
import { startProxy, waitForQuiet } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { answerOk, type OriginConnection, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

describe("limits of connections", () => {
  it.each([1, 2])("a listener takes no more client connections than allowed, with %i workers", async (workers) => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { workers, limits: { maxConnections: 10 } });
    const clients: RawClient[] = [];
    for (let i = 0; i < 10; i++) {
      const client = await RawClient.connect(evenkeel.port());
      await client.send(GET);
      expect((await client.response()).status).toBe(200);
      clients.push(client);
    }
    const extra = await RawClient.connect(evenkeel.port());
    await extra.send(GET);
    const refused = await extra.response().then(
      ({ status }) => status === 503,
      () => true,
    );
    expect(refused).toBe(true);
    await extra.closed();
    clients[0].socket.destroy();
    await waitFor("a place to be free", async () => {
      return exchange(evenkeel.port(), GET).then(
        ({ status }) => status === 200,
        () => false,
      );
    });
  });

  it("a server gets no more requests at a time than its limit; the rest goes to others or gets 503", async () => {
    const waiting: OriginConnection[] = [];
    const busy = await startRawOrigin((_, connection) => waiting.push(connection));
    const evenkeel = await startProxy([{ address: busy.address, maxConnections: 3 }]);
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(evenkeel.port())));
    for (const client of clients) await client.send(GET);
    await waitFor("three requests at the server", () => waiting.length === 3);
    const answered = await waitFor("the others to be answered", () => {
      const done = clients.filter((client) => client.total > 0);
      return done.length === 2 && done;
    });
    for (const client of answered) {
      const response = await client.response();
      expect(response.status).toBe(503);
      expect(response.headers["retry-after"]).toMatch(/^\d+$/);
    }
    expect(busy.requests).toHaveLength(3);
    busy.script = answerOk;
    for (const connection of waiting) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    await waitForQuiet(evenkeel);
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
  });

  it("requests wait for one of the allowed connections to a server", async () => {
    const origin = await startRawOrigin((_, connection) => {
      setTimeout(() => connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), 20);
    });
    const evenkeel = await startProxy([origin.address], { upstream: { maxConnections: 2 } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(evenkeel.port(), GET)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(origin.connections.length).toBeLessThanOrEqual(2);
  });

  it("keeps no more idle connections than allowed", async () => {
    const waiting: OriginConnection[] = [];
    const origin = await startRawOrigin((_, connection) => waiting.push(connection));
    const evenkeel = await startProxy([origin.address], { upstream: { maxIdle: 2 } });
    const exchanges = Array.from({ length: 6 }, () => exchange(evenkeel.port(), GET));
    await waitFor("six requests", () => waiting.length === 6);
    for (const connection of waiting) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    await Promise.all(exchanges);
    await waitFor("the surplus to be closed", () => origin.open === 2);
  });
});
