import { beforeAll, describe, expect, it } from "vitest";
import type { Evenkeel } from "../support/evenkeel.ts";
import { serverCounters, startProxy, waitForQuiet } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { answerOk, type RawOrigin, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Moments at which a client may go: what it has sent, and what the server has answered. */
const moments: readonly { name: string; sent: string; answered: string }[] = [
  { name: "before its first byte", sent: "", answered: "" },
  { name: "in the request line", sent: "GET /half", answered: "" },
  { name: "in the fields", sent: "GET / HTTP/1.1\r\nHost: a\r\nX", answered: "" },
  { name: "behind the head of a POST", sent: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", answered: "" },
  { name: "in a body by length", sent: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhel", answered: "" },
  {
    name: "in a chunk",
    sent: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    answered: "",
  },
  {
    name: "between chunks",
    sent: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    answered: "",
  },
  { name: "while it waits for the answer", sent: GET, answered: "" },
  { name: "behind the head of the answer", sent: GET, answered: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" },
  { name: "in the body of the answer", sent: GET, answered: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel" },
  {
    name: "between chunks of the answer",
    sent: GET,
    answered: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n",
  },
  {
    name: "behind a 100",
    sent: "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    answered: "HTTP/1.1 100 Continue\r\n\r\n",
  },
];

describe.each(["reset", "end"] as const)("a client that is gone (%s)", (how) => {
  let origin: RawOrigin;
  let evenkeel: Evenkeel;

  beforeAll(async () => {
    origin = await startRawOrigin((request, connection) => {
      if (request.target === "/after") answerOk(request, connection);
    });
    evenkeel = await startProxy([origin.address]);
  });

  it.each(moments)("$name", async ({ sent, answered }) => {
    let reached = 0;
    origin.onData = (connection, data) => {
      reached += data.length;
      if (!data.includes("/after")) connection.send(answered);
    };
    const client = await RawClient.connect(evenkeel.port());
    await client.send(sent);
    const complete = sent.includes("\r\n\r\n");
    if (complete) await waitFor("the request at the server", () => reached > 0);
    if (answered !== "") await waitFor("the answer at the client", () => client.total > 0);
    if (how === "reset") client.reset();
    else client.socket.destroy();
    if (complete) await waitFor("the connection to the server to be closed", () => origin.open === 0);
    await waitForQuiet(evenkeel);
    const [counters] = await serverCounters(evenkeel);
    expect(counters.connections).toBe(0);
    const after = await exchange(evenkeel.port(), "GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(after.status).toBe(200);
    // The next case finds no idle connection.
    for (const connection of origin.connections) connection.end();
    await waitFor(
      "the idle connection to be closed",
      async () => (await serverCounters(evenkeel))[0].connections === 0,
    );
    origin.forget();
  });
});

describe("a client that closes its sending half", () => {
  it("still gets the answer", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port(), { allowHalfOpen: true });
    await client.send(GET);
    client.end();
    expect((await client.response()).status).toBe(200);
    expect(await client.closed()).toBe("end");
  });
});

describe("a server that is gone", () => {
  it("while idle costs nothing", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    for (let i = 0; i < 5; i++) {
      expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
      for (const connection of origin.connections) connection.reset();
      await waitFor("the connections to be gone", () => origin.open === 0);
    }
  });

  it("in the middle of a POST gives 502, and the client's connection is closed", async () => {
    const origin = await startRawOrigin();
    origin.onData = (connection, data) => {
      if (data.includes("POST")) connection.reset();
    };
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello");
    expect((await client.response()).status).toBe(502);
    await client.closed();
    await waitForQuiet(evenkeel);
  });

  it("for good gives 502, and 200 again when it is back", async () => {
    const origin = await startRawOrigin();
    const { port } = origin;
    const evenkeel = await startProxy([origin.address]);
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    await origin.stop();
    expect((await exchange(evenkeel.port(), GET)).status).toBe(502);
    await startRawOrigin(answerOk, port);
    await waitFor("the server to be used again", async () => (await exchange(evenkeel.port(), GET)).status === 200);
  });
});
