import { describe, expect, it } from "vitest";
import { startProxy } from "../support/proxy.ts";
import { RawClient } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const EXPECTING = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";

describe("1xx answers", () => {
  it("pass on to an HTTP/1.1 client, in order, before the answer", async () => {
    const origin = await startRawOrigin((_, connection) => connection.send(HINTS + HINTS + OK));
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    for (let i = 0; i < 2; i++) {
      await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      for (let j = 0; j < 2; j++) {
        const hints = await client.head();
        expect(hints.status).toBe(103);
        expect(hints.headers["link"]).toBe("</a.css>; rel=preload");
      }
      expect((await client.response()).body.toString()).toBe("ok");
    }
    expect(origin.connections).toHaveLength(1);
  });

  it("do not reach an HTTP/1.0 client", async () => {
    const origin = await startRawOrigin((_, connection) => connection.send(HINTS + OK));
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    expect((await client.response()).status).toBe(200);
  });
});

describe("Expect: 100-continue", () => {
  it("lets the client wait for the 100 and send its body then", async () => {
    const origin = await startRawOrigin();
    origin.onData = (connection, data) => {
      if (data.includes("Expect: 100-continue")) connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    };
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(EXPECTING);
    expect((await client.head()).status).toBe(100);
    expect(origin.requests).toHaveLength(0);
    await client.send("hello");
    expect((await client.response()).status).toBe(200);
    expect(origin.requests[0].body.toString()).toBe("hello");
  });

  it("passes on a refusal without the body ever being sent", async () => {
    const origin = await startRawOrigin();
    origin.onData = (connection, data) => {
      if (data.includes("Expect: 100-continue"))
        connection.end("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
    };
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(EXPECTING);
    const response = await client.response();
    expect(response.status).toBe(413);
    expect(response.body.toString()).toBe("big");
    expect(origin.requests).toHaveLength(0);
    // Whether the client sends its body now is unknown, so neither connection can be used again.
    expect(response.headers["connection"]).toBe("close");
    await client.closed();
    await waitFor("the connection to the server to be closed", () => origin.open === 0);
  });

  it("takes a body that comes without waiting", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(`${EXPECTING}hello`);
    let response = await client.head();
    if (response.status === 100) response = await client.head();
    expect(response.status).toBe(200);
    expect(origin.requests[0].body.toString()).toBe("hello");
  });
});
