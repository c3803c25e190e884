import { describe, expect, it } from "vitest";
import { startNodeOriginProcess } from "../support/origins.ts";
import { residentBytes } from "../support/process-usage.ts";
import { startProxy, waitForQuiet } from "../support/proxy.ts";
import { RawClient } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

/** What kernel buffers and the proxy together may hold of one stream. */
const HELD = 24 * 1_048_576;
const BIG = 500_000_000;

/** Waits until a counter has stopped growing. */
async function standstill(what: string, read: () => number): Promise<number> {
  let last = -1;
  return waitFor(`${what} to stand still`, async () => {
    const before = last;
    await new Promise((resolve) => setTimeout(resolve, 400));
    last = read();
    return before === last && { last };
  }).then(({ last: value }) => value);
}

describe("backpressure", () => {
  it("a client that does not read stops the server, and memory stays bounded", async () => {
    const origin = await startRawOrigin(() => undefined);
    const evenkeel = await startProxy([origin.address]);
    const before = residentBytes(evenkeel.pid);
    const client = await RawClient.connect(evenkeel.port());
    client.socket.pause();
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await origin.waitForRequests(1);
    const { socket } = origin.connections[0];
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG}\r\n\r\n`);
    const piece = Buffer.alloc(1_048_576, "x");
    const pump = (): void => {
      while (socket.writable && socket.write(piece));
    };
    socket.on("drain", pump);
    pump();
    const sent = await standstill("what the server could send", () => socket.bytesWritten - socket.writableLength);
    expect(sent).toBeLessThan(HELD);
    expect(residentBytes(evenkeel.pid) - before).toBeLessThan(HELD);
    client.socket.resume();
    await waitFor("the stream to go on", () => socket.bytesWritten - socket.writableLength > 4 * sent);
  });

  it("a server that does not read stops the client, and memory stays bounded", async () => {
    const origin = await startRawOrigin(() => undefined);
    origin.onConnection = ({ socket }) => socket.pause();
    const evenkeel = await startProxy([origin.address], { limits: { bodyTimeout: "5s" } });
    const before = residentBytes(evenkeel.pid);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BIG}\r\n\r\n`);
    const piece = Buffer.alloc(1_048_576, "x");
    const { socket } = client;
    const pump = (): void => {
      while (socket.writable && socket.write(piece));
    };
    socket.on("drain", pump);
    pump();
    const sent = await standstill("what the client could send", () => socket.bytesWritten - socket.writableLength);
    expect(sent).toBeLessThan(HELD);
    expect(residentBytes(evenkeel.pid) - before).toBeLessThan(HELD);
    client.reset();
    await waitForQuiet(evenkeel);
  });

  it("100 slow clients cost the proxy little memory each", { timeout: 60_000 }, async () => {
    const origin = await startNodeOriginProcess();
    const evenkeel = await startProxy([origin.address]);
    const before = residentBytes(evenkeel.pid);
    const clients = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const client = await RawClient.connect(evenkeel.port());
        client.socket.pause();
        await client.send("GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n");
        return client;
      }),
    );
    await standstill("the memory", () => Math.round(residentBytes(evenkeel.pid) / 1_048_576));
    expect(residentBytes(evenkeel.pid) - before).toBeLessThan(100 * 1_048_576);
    for (const client of clients) client.reset();
    await waitForQuiet(evenkeel);
  });
});
