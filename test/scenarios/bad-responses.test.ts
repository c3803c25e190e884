import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Evenkeel, startEvenkeel } from "../support/evenkeel.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { answerOk, type OriginConnection, type RawOrigin, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";
import type { BadResponse } from "./bad-responses/bad-response.ts";
import { bodyGroups } from "./bad-responses/bodies.ts";
import { framing, heads } from "./bad-responses/heads.ts";

/*
 * A server that misbehaves. The client gets a 502, or sees its answer cut when the head was on its way already; the
 * connection to the server is thrown away, and the next request has a new one and its own answer.
 */
let origin: RawOrigin;
let evenkeel: Evenkeel;
/** The connections on which the bad answer was sent. */
let poisoned: OriginConnection[];

beforeAll(async () => {
  origin = await startRawOrigin();
  evenkeel = await startEvenkeel({
    config: {
      workers: 1,
      listeners: { web: { listen: "127.0.0.1:0", pool: "web" } },
      pools: { web: { servers: [origin.address] } },
    },
  });
});

beforeEach(async () => {
  for (const connection of origin.connections) connection.end();
  await waitFor("the connections of the last case to close", () => origin.open === 0);
  origin.forget();
  poisoned = [];
});

const groups: Record<string, readonly BadResponse[]> = { heads, framing, ...bodyGroups };

describe.each(Object.entries(groups))("bad responses: %s", (_, cases) => {
  it.each(cases)("$name ($rfc): $client", async (badResponse) => {
    await check(badResponse, (connection) => connection.send(badResponse.bytes));
  });

  it.each(cases.filter(({ bytes }) => bytes.length < 1000))("in small pieces: $name", async (badResponse) => {
    await check(badResponse, async (connection) => {
      for (const byte of badResponse.bytes) {
        connection.send(byte);
        await new Promise(setImmediate);
      }
    });
  });
});

async function check(badResponse: BadResponse, send: (connection: OriginConnection) => unknown): Promise<void> {
  origin.script = async (request, connection) => {
    if (request.target !== "/case") return answerOk(request, connection);
    poisoned.push(connection);
    await send(connection);
    if (badResponse.ending === "end") connection.end();
    if (badResponse.ending === "reset") connection.reset();
  };
  const method = badResponse.method ?? "GET";
  const client = await RawClient.connect(evenkeel.port());
  await client.send(
    `${method} /case HTTP/1.1\r\nHost: a\r\n${method === "POST" ? "Content-Length: 2\r\n\r\nhi" : "\r\n"}`,
  );

  if (badResponse.client === 502) {
    const answer = await client.response(method);
    expect(answer.status, answer.statusLine).toBe(502);
    expect(answer.body.toString()).toContain('"code"');
    expect(answer.headers).not.toHaveProperty("set-cookie");
  } else if (badResponse.client === "cut") {
    // When head and fault came together, or a reset overtook the head, nothing was sent yet: then a 502 is as good.
    const outcome = await client.response(method).catch((error: Error) => error.message);
    if (typeof outcome === "string") {
      expect(outcome).toMatch(/connection ended/);
      await client.closed();
    } else expect(outcome.status).toBe(502);
  } else {
    const answer = await client.response(method);
    expect(answer.statusLine).toBe(badResponse.bytes.split("\r\n", 1)[0]);
    if (answer.status === 200 && method === "GET") expect(answer.body.toString()).toBe("hello");
    expect(client.unread.toString("latin1"), "bytes behind the answer").toBe("");
  }

  for (const connection of poisoned) await waitFor("the bad connection to be closed", () => connection.closed);
  const next = await exchange(evenkeel.port(), "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(next.status).toBe(200);
  expect(next.body.toString()).toBe("ok");
  expect(poisoned.length).toBeGreaterThan(0);
  for (const connection of poisoned) expect(connection.requests.at(-1)?.target).toBe("/case");
}
