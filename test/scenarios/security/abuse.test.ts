import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { serverCounters, startProxy, waitForQuiet } from "../../support/proxy.ts";
import { exchange, RawClient } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Resident memory in MiB. */
function memory(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))![1]) / 1024;
}

const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

describe("abuse leaves nothing behind", () => {
  it("of thousands of connections that are reset at every stage", { timeout: 60_000 }, async () => {
    const origin = await startRawOrigin((request, connection) => {
      if (request.target === "/never") return;
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + "x".repeat(400_000));
    });
    const evenkeel = await startProxy([origin.address], { upstream: { maxIdle: 5 } });
    const beginnings = [
      "",
      "GET",
      "GET / HTTP/1.1\r\nHost",
      GET,
      GET.repeat(20),
      "GET /never HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "\0\0\0\0",
    ];
    const round = async (count: number) => {
      for (let i = 0; i < count; i += 50) {
        await Promise.all(
          Array.from({ length: 50 }, async (_, j) => {
            const client = await RawClient.connect(evenkeel.port());
            await client.send(beginnings[(i + j) % beginnings.length]);
            if (j % 3 === 0) await new Promise(setImmediate);
            if (j % 2 === 0) client.reset();
            else client.socket.destroy();
          }),
        );
        origin.forget();
      }
      await waitForQuiet(evenkeel);
    };
    await round(1000);
    const [files, before] = [descriptors(evenkeel.pid), memory(evenkeel.pid)];
    await round(3000);
    // Connections to the server that are kept for the next request are not what is looked for: hence the low maxIdle.
    await waitFor("closed connections", () => descriptors(evenkeel.pid) <= files + 20);
    expect(memory(evenkeel.pid)).toBeLessThan(before + 60);
    expect((await serverCounters(evenkeel))[0].connections).toBeLessThan(60);
    expect(await evenkeel.admin("/api/v2/status")).toMatchObject({ workers: [{ restarts: 0 }] });
    expect(evenkeel.log.slice(1).filter((line) => line.includes("error"))).toEqual([]);
  });

  it("of clients that never read", { timeout: 60_000 }, async () => {
    const origin = await startRawOrigin((_, connection) => {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n");
      const more = () => {
        while (!connection.closed && connection.socket.writable && connection.socket.write(Buffer.alloc(65_536)));
      };
      connection.socket.on("drain", more);
      more();
    });
    const evenkeel = await startProxy([origin.address], { limits: { bodyTimeout: "2s" } });
    await RawClient.connect(evenkeel.port());
    const before = memory(evenkeel.pid);
    const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(evenkeel.port())));
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, memory(evenkeel.pid))), 50);
    for (const client of clients) {
      client.socket.pause();
      void client.send(GET.repeat(3));
    }
    await origin.waitForRequests(100);
    // Each is cut by itself, because it takes nothing.
    await waitFor("all servers' connections to be closed", () => origin.open === 0, 20_000);
    clearInterval(watch);
    // Some 64 KiB reads per connection at most.
    expect(most - before).toBeLessThan(100 * 0.6);
  });

  it("of interim answers without end", async () => {
    const origin = await startRawOrigin((_, connection) => {
      connection.send(`HTTP/1.1 102 Processing\r\nX: ${"y".repeat(1000)}\r\n\r\n`.repeat(5000));
    });
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(GET);
    expect((await client.response()).status).toBe(502);
    expect(client.total).toBeLessThan(40_000);
  });

  it("of heads that come byte by byte, and of those that never end", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { limits: { headTimeout: "1s" } });
    const slow = await Promise.all(Array.from({ length: 300 }, () => RawClient.connect(evenkeel.port())));
    for (const client of slow) void client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    const started = Date.now();
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    for (const client of slow) {
      expect((await client.response()).status).toBe(408);
      await client.closed();
    }
    expect(Date.now() - started).toBeLessThan(8000);
    expect(origin.requests.length).toBe(1);
  });
});
