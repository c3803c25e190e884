import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Evenkeel, startEvenkeel } from "../support/evenkeel.ts";
import { RawClient } from "../support/raw-client.ts";
import { type OriginRequest, type RawOrigin, startRawOrigin } from "../support/raw-origin.ts";
import { bodies, connections } from "./good-requests/bodies.ts";
import type { GoodRequest, Seen } from "./good-requests/good-request.ts";
import { fields, hosts, targets } from "./good-requests/heads.ts";

/*
 * Unusual requests that are correct: they pass, the server sees what was meant in the plain form, and answers come in
 * order. Each is sent whole and byte by byte.
 */
let origin: RawOrigin;
let evenkeel: Evenkeel;
let received: OriginRequest[];

beforeAll(async () => {
  origin = await startRawOrigin((request, connection) => {
    received.push(request);
    const answer = `answer ${received.length}`;
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`);
  });
  evenkeel = await startEvenkeel({
    config: {
      workers: 1,
      listeners: { web: { listen: "127.0.0.1:0", pool: "web" } },
      pools: { web: { servers: [origin.address] } },
    },
  });
});

beforeEach(() => {
  received = [];
});

describe.each(Object.entries({ targets, hosts, fields, bodies, connections }))("good requests: %s", (_, cases) => {
  it.each(cases)("$name ($rfc)", async (request) => {
    await check(request, (client) => client.send(request.bytes));
  });

  it.each(cases)("byte by byte: $name", async (request) => {
    await check(request, (client) => client.sendPieces(request.bytes, Math.ceil(request.bytes.length / 4000)));
  });
});

async function check(request: GoodRequest, send: (client: RawClient) => Promise<void>): Promise<void> {
  const client = await RawClient.connect(evenkeel.port());
  const sent = send(client);
  for (let i = 1; i <= request.seen.length; i++) {
    const answer = await client.response();
    expect(answer.status, answer.body.toString()).toBe(200);
    expect(answer.body.toString()).toBe(`answer ${i}`);
  }
  await sent;
  if (request.closes === true) {
    await client.closed();
  } else {
    // The connection is in step: another request on it gets its own answer.
    await client.send("GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await client.response()).body.toString()).toBe(`answer ${request.seen.length + 1}`);
    expect(received.at(-1)?.target).toBe("/after");
  }
  expect(client.unread.toString("latin1")).toBe("");
  for (const [i, seen] of request.seen.entries()) compare(received[i], seen);
  for (const connection of origin.connections) {
    expect(connection.garbage).toBeUndefined();
    expect(connection.rest).toBe("");
  }
}

function compare(request: OriginRequest, seen: Seen): void {
  expect(request.version).toBe("HTTP/1.1");
  expect(request.method).toBe(seen.method ?? "GET");
  expect(request.target).toBe(seen.target ?? "/");
  expect(request.lines.filter((line) => /^host:/i.test(line))).toHaveLength(1);
  for (const [name, value] of Object.entries(seen.headers ?? {})) expect(request.headers[name], name).toBe(value);
  if (seen.lines !== undefined) expect(request.lines.filter((line) => seen.lines!.includes(line))).toEqual(seen.lines);
  expect(request.body.toString("latin1")).toBe(seen.body ?? "");
}
