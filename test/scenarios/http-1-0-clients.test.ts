import { describe, expect, it } from "vitest";
import { startProxy } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";

describe("HTTP/1.0 clients", () => {
  it("get a chunked answer without its framing, ended by the connection", async () => {
    const origin = await startRawOrigin((_, connection) => {
      connection.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: y\r\n\r\n",
      );
    });
    const evenkeel = await startProxy([origin.address]);
    const response = await exchange(evenkeel.port(), "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    expect(response.headers["transfer-encoding"]).toBeUndefined();
    expect(response.headers["connection"]).toBe("close");
    expect(response.body.toString()).toBe("hello world");
  });

  it("keep their connection when they ask for it and the answer has a length", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    for (let i = 0; i < 3; i++) {
      await client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
      const response = await client.response();
      expect(response.headers["connection"].toLowerCase()).toBe("keep-alive");
      expect(response.body.toString()).toBe("ok");
    }
    await client.send("GET / HTTP/1.0\r\n\r\n");
    expect((await client.response()).body.toString()).toBe("ok");
    expect(await client.closed()).toBe("end");
    expect(origin.connections).toHaveLength(1);
  });

  it("without Host reach the server with a Host", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    expect((await exchange(evenkeel.port(), "GET /old HTTP/1.0\r\n\r\n")).status).toBe(200);
    expect(origin.requests[0].version).toBe("HTTP/1.1");
    expect(origin.requests[0].headers["host"]).toBe(origin.address);
  });
});
