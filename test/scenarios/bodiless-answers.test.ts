import { beforeAll, describe, expect, it } from "vitest";
import type { Evenkeel } from "../support/evenkeel.ts";
import { startProxy } from "../support/proxy.ts";
import { RawClient } from "../support/raw-client.ts";
import { type RawOrigin, startRawOrigin } from "../support/raw-origin.ts";

/* Answers that have no body whatever their fields say (RFC 9112 6.3): the connections stay in step on both sides. */
const cases: readonly { name: string; method: string; answer: string; keeps: Record<string, string> }[] = [
  {
    name: "HEAD with a length",
    method: "HEAD",
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    keeps: { "content-length": "1000" },
  },
  {
    name: "HEAD with chunks",
    method: "HEAD",
    answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    keeps: {},
  },
  { name: "HEAD without either", method: "HEAD", answer: "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", keeps: { x: "y" } },
  {
    name: "HEAD of an error",
    method: "HEAD",
    answer: "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n",
    keeps: { "content-length": "9" },
  },
  { name: "204", method: "GET", answer: "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", keeps: { x: "y" } },
  { name: "204 to DELETE", method: "DELETE", answer: "HTTP/1.1 204 No Content\r\n\r\n", keeps: {} },
  {
    name: "304 with a length",
    method: "GET",
    answer: 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 1000\r\n\r\n',
    keeps: { etag: '"a"' },
  },
  {
    name: "304 without a length",
    method: "GET",
    answer: 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
    keeps: { etag: '"a"' },
  },
  {
    name: "a length of 0",
    method: "GET",
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    keeps: { "content-length": "0" },
  },
];

describe("answers without a body", () => {
  let origin: RawOrigin;
  let evenkeel: Evenkeel;

  beforeAll(async () => {
    origin = await startRawOrigin();
    evenkeel = await startProxy([origin.address]);
  });

  it.each(cases)("$name", async ({ method, answer, keeps }) => {
    origin.script = (_, connection) => connection.send(answer);
    const client = await RawClient.connect(evenkeel.port());
    for (let i = 0; i < 3; i++) {
      await client.send(`${method} /${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const head = await client.head();
      expect(head.statusLine).toBe(answer.split("\r\n", 1)[0]);
      expect(head.headers).toMatchObject(keeps);
    }
    expect(client.unread).toHaveLength(0);
    // One connection for all requests of all cases: none left it out of step.
    expect(origin.connections).toHaveLength(1);
  });
});
