import { describe, expect, it } from "vitest";
import { startProxy } from "../support/proxy.ts";
import { RawClient } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const get = (path: string, ...lines: string[]) =>
  `${[`GET ${path} HTTP/1.1`, "Host: a", ...lines].join("\r\n")}\r\n\r\n`;

describe("keep-alive and pipelining", () => {
  it("serves many requests on one connection with one connection to the server", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    for (let i = 0; i < 100; i++) {
      await client.send(get(`/${i}`));
      const response = await client.response();
      expect(response.status).toBe(200);
      expect(response.headers["connection"]).toBeUndefined();
    }
    expect(origin.connections).toHaveLength(1);
    expect(origin.requests.map(({ target }) => target)).toEqual(Array.from({ length: 100 }, (_, i) => `/${i}`));
  });

  it("answers pipelined requests in order, however long each one takes", async () => {
    const origin = await startRawOrigin((request, connection) => {
      const [, number] = request.target.split("/");
      const answer = () => connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${number.length}\r\n\r\n${number}`);
      // The first ones take the longest.
      setTimeout(answer, Math.max(0, 50 - 10 * Number(number)));
    });
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    const numbers = Array.from({ length: 50 }, (_, i) => String(i));
    await client.send(numbers.map((number) => get(`/${number}`)).join(""));
    for (const number of numbers) expect((await client.response()).body.toString()).toBe(number);
  });

  it("answers pipelined requests with bodies of both framings that come in one piece", async () => {
    const origin = await startRawOrigin((request, connection) => {
      const body = request.body.toString();
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    let text = "";
    for (let i = 0; i < 30; i++) {
      text += `POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nl${String(i).padStart(3, "0")}`;
      text += `POST /${i} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nc${String(i).padStart(3, "0")}\r\n0\r\n\r\n`;
    }
    await client.send(text);
    for (let i = 0; i < 30; i++) {
      expect((await client.response()).body.toString()).toBe(`l${String(i).padStart(3, "0")}`);
      expect((await client.response()).body.toString()).toBe(`c${String(i).padStart(3, "0")}`);
    }
  });

  it("does not read ahead without bound from a client that pipelines and never reads", async () => {
    const origin = await startRawOrigin((_, connection) => {
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${"x".repeat(100_000)}`);
    });
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    client.socket.pause();
    const requests = get("/").repeat(1000);
    void client.send(requests);
    await origin.waitForRequests(1);
    // The proxy stops taking requests when the client does not take answers: what the server saw stops growing.
    let last = -1;
    await waitFor("the number of requests at the server to stand still", async () => {
      const before = last;
      await new Promise((resolve) => setTimeout(resolve, 300));
      last = origin.requests.length;
      return before === last;
    });
    expect(last).toBeLessThan(1000);
    client.socket.resume();
    for (let i = 0; i < 1000; i++) expect((await client.response()).body).toHaveLength(100_000);
  });

  it("closes after Connection: close and says so", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(get("/", "Connection: close") + get("/ignored"));
    const response = await client.response();
    expect(response.status).toBe(200);
    expect(response.headers["connection"]).toBe("close");
    expect(await client.closed()).toBe("end");
    expect(origin.requests.map(({ target }) => target)).toEqual(["/"]);
  });

  it("closes after the allowed number of requests of a connection", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { limits: { maxRequestsPerConnection: 3 } });
    const client = await RawClient.connect(evenkeel.port());
    await client.send(get("/").repeat(4));
    const connection = [];
    for (let i = 0; i < 3; i++) connection.push((await client.response()).headers["connection"]);
    expect(connection).toEqual([undefined, undefined, "close"]);
    await client.closed();
    expect(client.unread).toHaveLength(0);
  });

  it("keeps the client's connection when the server closes its own", async () => {
    const origin = await startRawOrigin((_, connection) => {
      connection.end("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    });
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    for (let i = 0; i < 5; i++) {
      await client.send(get("/"));
      const response = await client.response();
      expect(response.body.toString()).toBe("ok");
      expect(response.headers["connection"]).toBeUndefined();
    }
    expect(origin.connections).toHaveLength(5);
  });

  it("replaces connections to the server after the configured number of requests", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { upstream: { maxRequestsPerConnection: 10 } });
    const client = await RawClient.connect(evenkeel.port());
    for (let i = 0; i < 30; i++) {
      await client.send(get("/"));
      await client.response();
    }
    expect(origin.connections.map(({ requests }) => requests.length)).toEqual([10, 10, 10]);
  });

  it("closes connections to the server that were idle for too long", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { upstream: { idleTimeout: "300ms" } });
    const client = await RawClient.connect(evenkeel.port());
    await client.send(get("/"));
    await client.response();
    expect(origin.open).toBe(1);
    await waitFor("the idle connection to be closed", () => origin.open === 0);
  });

  it("opens connections before they are needed", async () => {
    const origin = await startRawOrigin();
    await startProxy([origin.address], { upstream: { prewarm: 3 } });
    await waitFor("three connections", () => origin.open === 3);
    expect(origin.text).toBe("");
  });
});
