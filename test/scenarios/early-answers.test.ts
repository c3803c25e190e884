import { describe, expect, it } from "vitest";
import { startProxy, waitForQuiet } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { type RawOrigin, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const HEAD = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";

/** Answers as soon as a head has come, without waiting for the body. */
function answerEarly(origin: RawOrigin, answer: string, close: boolean): void {
  origin.onData = (connection, data) => {
    if (!data.includes("POST /upload")) return;
    if (close) connection.end(answer);
    else connection.send(answer);
  };
}

describe("an answer while the request's body is still coming", () => {
  it("reaches the client at once when the server closes", async () => {
    const origin = await startRawOrigin();
    answerEarly(origin, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", true);
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(HEAD + "x".repeat(1000));
    const response = await client.response();
    expect(response.status).toBe(403);
    expect(response.body.toString()).toBe("no");
    await client.closed();
    await waitForQuiet(evenkeel);
    expect((await exchange(evenkeel.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status).toBe(200);
  });

  it("reaches the client when the server keeps its connection, which is not used again", async () => {
    const origin = await startRawOrigin();
    answerEarly(origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false);
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(HEAD + "x".repeat(1000));
    expect((await client.response()).status).toBe(200);
    // Half of a request is on it: it would be the beginning of the next one.
    await waitFor("the connection to the server to be closed", () => origin.connections[0].closed);
    await waitForQuiet(evenkeel);
    expect((await exchange(evenkeel.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status).toBe(200);
    expect(origin.connections[0].requests).toHaveLength(0);
  });

  it("is streamed while the body goes on, when the server reads on", async () => {
    const origin = await startRawOrigin((request, connection) => {
      connection.send(`${request.body.length.toString(16).padStart(8, "0")}`);
    });
    answerEarly(origin, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", false);
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(HEAD + "x".repeat(500_000));
    expect((await client.head()).status).toBe(200);
    await client.send("x".repeat(500_000));
    expect((await client.readBytes(8)).toString()).toBe((1_000_000).toString(16).padStart(8, "0"));
  });
});
