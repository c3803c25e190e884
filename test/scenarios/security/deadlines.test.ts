import { describe, expect, it } from "vitest";
import { startProxy } from "../../support/proxy.ts";
import { RawClient } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";

describe("deadlines that pass in the same tick", () => {
  it("of a half-sent body and of the early answer to it do not harm the worker", async () => {
    const origin = await startRawOrigin();
    origin.onData = (connection) => connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nfirst");
    const evenkeel = await startProxy([origin.address], { limits: { bodyTimeout: "300ms" } });
    const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.connect(evenkeel.port())));
    await Promise.all(
      clients.map(async (client) => {
        await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
        await client.readUntil("first");
        await client.closed();
      }),
    );
    expect(evenkeel.log.slice(1)).toEqual([]);
    expect(await evenkeel.admin("/api/v2/status")).toMatchObject({ workers: [{ restarts: 0, state: "running" }] });
  });
});
