import { describe, expect, it } from "vitest";
import { startProxy, waitForQuiet } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Sends a byte at a time, `pause` ms apart, until the connection is gone. */
function drip(client: RawClient, text: string, pause: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (client.ending !== undefined || !client.socket.writable) clearInterval(timer);
    else client.socket.write(text[at++ % text.length]);
  }, pause);
  client.socket.once("close", () => clearInterval(timer));
}

describe("slow clients", () => {
  it("a head has one time for all of it, however steadily bytes come (RFC 9110 15.5.9)", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { limits: { headTimeout: "600ms" } });
    const client = await RawClient.connect(evenkeel.port());
    const start = Date.now();
    await client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    drip(client, "abc", 20);
    const response = await client.response();
    expect(response.status).toBe(408);
    expect(response.headers["connection"]).toBe("close");
    await client.closed();
    expect(Date.now() - start).toBeGreaterThan(500);
    expect(Date.now() - start).toBeLessThan(3000);
    expect(origin.text).toBe("");
  });

  it("an incomplete request line counts too", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { limits: { headTimeout: "300ms" } });
    const client = await RawClient.connect(evenkeel.port());
    await client.send("GE");
    expect((await client.response()).status).toBe(408);
    await client.closed();
  });

  it("500 slowloris connections neither stay nor keep others from being served", { timeout: 60_000 }, async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { limits: { headTimeout: "1s" } });
    const clients = await Promise.all(Array.from({ length: 500 }, () => RawClient.connect(evenkeel.port())));
    for (const client of clients) {
      await client.send("GET / HTTP/1.1\r\nX: ");
      drip(client, "y", 100);
    }
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    const answers = await Promise.all(clients.map((client) => client.response()));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([408]));
    expect(origin.requests).toHaveLength(1);
  });

  it("a connection without a request is closed silently when it was idle for too long", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { limits: { idleTimeout: "300ms" } });
    const fresh = await RawClient.connect(evenkeel.port());
    const used = await RawClient.connect(evenkeel.port());
    await used.send(GET);
    await used.response();
    expect(await fresh.closed()).toBe("end");
    expect(await used.closed()).toBe("end");
    expect(fresh.total).toBe(0);
    expect(used.unread).toHaveLength(0);
  });

  it("a body that pauses for too long is refused, and the server never gets a whole request", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { limits: { bodyTimeout: "400ms" } });
    const client = await RawClient.connect(evenkeel.port());
    await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhel");
    expect((await client.response()).status).toBe(408);
    await client.closed();
    await waitFor("the connection to the server to be closed", () => origin.open === 0);
    expect(origin.requests).toHaveLength(0);
    await waitForQuiet(evenkeel);
  });

  it("a body that drips below the rate is refused after 10 s", { timeout: 30_000 }, async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { limits: { minBodyRate: 1000 } });
    const client = await RawClient.connect(evenkeel.port());
    await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    drip(client, "x", 50);
    const start = Date.now();
    expect((await client.response("POST", 20_000)).status).toBe(408);
    await client.closed();
    expect(Date.now() - start).toBeGreaterThan(9000);
    expect(origin.requests).toHaveLength(0);
  });

  it("a client that stops taking its answer is cut", async () => {
    const origin = await startRawOrigin((_, connection) => {
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n`);
      connection.send(Buffer.alloc(100_000_000));
    });
    const evenkeel = await startProxy([origin.address], { limits: { bodyTimeout: "500ms" } });
    const client = await RawClient.connect(evenkeel.port());
    client.socket.pause();
    await client.send(GET);
    await waitFor(
      "the connection to the server to be closed",
      () => origin.connections.length > 0 && origin.open === 0,
    );
    await waitForQuiet(evenkeel);
  });
});

describe("slow servers", () => {
  it("that do not answer in time give 504", async () => {
    const origin = await startRawOrigin(() => undefined);
    const evenkeel = await startProxy([origin.address], { upstream: { responseTimeout: "400ms" } });
    const response = await exchange(evenkeel.port(), GET);
    expect(response.status).toBe(504);
    expect(JSON.parse(response.body.toString()).error.code).toBe("response_timeout");
    await waitFor("the connection to the server to be closed", () => origin.open === 0);
    // A request that the server may be working on is not sent to it a second time.
    expect(origin.requests).toHaveLength(1);
  });

  it("that drip their head give 504", async () => {
    const origin = await startRawOrigin((_, connection) => {
      const timer = setInterval(() => connection.send("X"), 50);
      connection.socket.once("close", () => clearInterval(timer));
      connection.send("HTTP/1.1 200 OK\r\nX: ");
    });
    const evenkeel = await startProxy([origin.address], { upstream: { responseTimeout: "500ms" } });
    expect((await exchange(evenkeel.port(), GET)).status).toBe(504);
  });

  it("that stop in the middle of an answer cut it", async () => {
    const origin = await startRawOrigin((_, connection) =>
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel"),
    );
    const evenkeel = await startProxy([origin.address], { limits: { bodyTimeout: "400ms" } });
    const client = await RawClient.connect(evenkeel.port());
    await client.send(GET);
    await expect(client.response()).rejects.toThrow("ended after 3 of 10 bytes");
    await waitFor("the connection to the server to be closed", () => origin.open === 0);
    await waitForQuiet(evenkeel);
  });

  it("an answer that is slow but does not stop passes", async () => {
    const origin = await startRawOrigin((_, connection) => {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
      let left = 10;
      const timer = setInterval(() => {
        connection.send("x");
        if (--left === 0) clearInterval(timer);
      }, 100);
    });
    const evenkeel = await startProxy([origin.address], {
      limits: { bodyTimeout: "600ms" },
      upstream: { responseTimeout: "300ms" },
    });
    expect((await exchange(evenkeel.port(), GET)).body.toString()).toBe("xxxxxxxxxx");
  });

  it("that do not take a connection give 504 after the connect timeout", async () => {
    // An address of the documentation range leads nowhere (RFC 5737); where it is refused at once, it is a 502.
    const evenkeel = await startProxy(["192.0.2.1:9"], { upstream: { connectTimeout: "300ms" } });
    const start = Date.now();
    const response = await exchange(evenkeel.port(), GET);
    expect([502, 504]).toContain(response.status);
    expect(Date.now() - start).toBeLessThan(5000);
  });
});
