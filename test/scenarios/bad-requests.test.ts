import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Evenkeel, startEvenkeel } from "../support/evenkeel.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { type RawOrigin, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";
import type { BadRequest } from "./bad-requests/bad-request.ts";
import { groups } from "./bad-requests/groups.ts";
import { BODY_LIMIT } from "./bad-requests/sizes.ts";

/*
 * Every bad request is sent over a raw socket, whole and in small pieces. It is answered with its status and the
 * connection is closed; a good request afterwards shows that no byte of the bad one came to the server. One worker,
 * so that whatever a bad request had sent would have arrived before the good one.
 */
let origin: RawOrigin;
let evenkeel: Evenkeel;

beforeAll(async () => {
  origin = await startRawOrigin();
  evenkeel = await startEvenkeel({
    config: {
      workers: 1,
      listeners: { web: { listen: "127.0.0.1:0", pool: "web", limits: { maxBodySize: BODY_LIMIT } } },
      pools: { web: { servers: [origin.address] } },
    },
  });
});

beforeEach(async () => {
  // Each case looks at connections of its own.
  for (const connection of origin.connections) connection.end();
  await waitFor("the connections of the last case to close", () => origin.open === 0);
  origin.forget();
});

describe.each(Object.entries(groups))("bad requests: %s", (_, cases) => {
  it("have names that differ", () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  it.each(cases)("$name ($rfc): $status", async (badRequest) => {
    await check(badRequest, (client) => client.send(badRequest.bytes));
  });

  it.each(cases)("in small pieces: $name", async (badRequest) => {
    // Byte by byte; very long ones in pieces that make as many reads as a long head does.
    await check(badRequest, (client) => client.sendPieces(badRequest.bytes, Math.ceil(badRequest.bytes.length / 2000)));
  });
});

async function check(badRequest: BadRequest, send: (client: RawClient) => Promise<void>): Promise<void> {
  const good = badRequest.goodBefore ?? 0;
  const client = await RawClient.connect(evenkeel.port());
  const sent = send(client);
  for (let i = 0; i < good; i++) expect((await client.response()).status).toBe(200);
  const answer = await client.response();
  await client.closed();
  await sent;
  expect(answer.status, `${answer.statusLine} ${answer.body.toString()}`).toBe(badRequest.status);
  expect(answer.headers["connection"]).toBe("close");
  expect(client.unread.toString("latin1"), "bytes behind the refusal").toBe("");

  const sentinel = await exchange(evenkeel.port(), "GET /sentinel HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(sentinel.status).toBe(200);
  const targets = origin.requests.map((request) => request.target);
  expect(targets, "whole requests at the server").toHaveLength(good + 1);
  expect(targets).toContain("/sentinel");
  for (const connection of origin.connections) {
    expect(connection.garbage).toBeUndefined();
    if (connection.rest === "") continue;
    // The head and a part of the body may be there when the fault came behind them; nothing may follow it.
    expect(badRequest.inBody, `bytes at the server: ${connection.rest}`).toBe(true);
    expect(connection.rest).toMatch(/^POST \/ HTTP\/1\.1\r\n/);
    await waitFor("the connection with half a request to be cut", () => connection.closed);
    expect(connection.requests, "a connection that had been used").not.toContainEqual(
      expect.objectContaining({ target: "/smuggled" }),
    );
  }
}
