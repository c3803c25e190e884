import { expect, it } from "vitest";
import { type Evenkeel, startEvenkeel } from "../../support/evenkeel.ts";
import { serverCounters } from "../../support/proxy.ts";
import { exchange, RawClient } from "../../support/raw-client.ts";
import { answerOk, type OriginScript, type RawOrigin, startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HALF = "PUT /half HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf";

const events = async (evenkeel: Evenkeel) =>
  ((await evenkeel.admin("/api/v2/events")) as { events: { server: string; what: string; reason: string }[] }).events;

interface Attack {
  readonly pool?: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Record<string, unknown>>;
  /** What the server does with each connection, beside answering whole requests. */
  readonly prepare?: (origin: RawOrigin) => unknown;
  /** One attack by one client. */
  readonly act: (client: RawClient, origin: RawOrigin) => Promise<unknown>;
}

const giveUp = (origin: RawOrigin) => {
  origin.onData = (connection, data) => {
    if (data.includes("/half")) setTimeout(() => connection.end(), 1200);
  };
};

const attacks: Readonly<Record<string, Attack>> = {
  "a body that stops, until the time for one try is over": {
    pool: { retries: { tryTimeout: "200ms" } },
    limits: { bodyTimeout: "1500ms" },
    act: async (client) => {
      await client.send(HALF);
      expect((await client.response()).status).toBe(408);
    },
  },
  "a body that stops, for longer than an answer may take": {
    pool: { upstream: { responseTimeout: "200ms" } },
    limits: { bodyTimeout: "1500ms" },
    act: async (client) => {
      await client.send(HALF);
      expect((await client.response()).status).toBe(408);
    },
  },
  "a body that stops, and the server gives up first": {
    prepare: giveUp,
    act: async (client) => {
      await client.send(HALF);
      expect((await client.response()).status).toBe(502);
    },
  },
  "a chunked body that stops, and the server gives up first": {
    prepare: giveUp,
    act: async (client) => {
      await client.send("POST /half HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n5\r\n");
      expect((await client.response()).status).toBe(502);
    },
  },
  "an expectation of 100, and no body": {
    limits: { bodyTimeout: "300ms" },
    prepare: (origin) => {
      origin.onData = (connection, data) => data.includes("100-") && connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    },
    act: async (client) => {
      await client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
      expect((await client.response()).status).toBe(408);
    },
  },
  "chunks that are none": {
    act: async (client, origin) => {
      await client.send("POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
      await waitFor("the head at the server", () => origin.text.includes("/chunks"));
      await client.send("XYZ\r\n");
      expect((await client.response()).status).toBe(400);
    },
  },
  "trailers that are none": {
    act: async (client, origin) => {
      await client.send("POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n");
      await waitFor("the head at the server", () => origin.text.includes("/trailers"));
      await client.send("no trailer\r\n\r\n");
      expect((await client.response()).status).toBe(400);
    },
  },
  "leaving while the server works": {
    act: async (client, origin) => {
      await client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
      await waitFor("the request at the server", () => origin.text.includes("/never"));
      client.reset();
    },
  },
  "leaving in the middle of the answer": {
    act: async (client) => {
      await client.send("GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.readUntil("xxx");
      client.reset();
    },
  },
  "an answer that is never taken, and the server gives up first": {
    act: async (client, origin) => {
      client.socket.pause();
      await client.send("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
      await waitFor("the request at the server", () => origin.text.includes("/huge"));
      await new Promise((resolve) => setTimeout(resolve, 2500));
      client.socket.resume();
      await client.closed();
    },
  },
  "requests that the server refuses with 400, closing": {
    act: async (client) => {
      await client.send("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n");
      expect((await client.response()).status).toBe(400);
    },
  },
  "upgrades that fail": {
    act: async (client) => {
      await client.send("GET /bad HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      expect((await client.response()).status).toBe(400);
    },
  },
  "a large body that the server does not want": {
    prepare: (origin) => {
      origin.onData = (connection, data) => {
        if (data.includes("/large"))
          connection.end("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      };
    },
    act: async (client) => {
      await client.send("POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + "x".repeat(200_000));
      expect((await client.response()).status).toBe(413);
    },
  },
};

const serve: OriginScript = (request, connection) => {
  const target = request.target.slice(request.target.lastIndexOf("/"));
  if (target === "/never") return;
  if (target === "/long") {
    return connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${"x".repeat(5000)}`);
  }
  if (target === "/huge") {
    setTimeout(() => connection.reset(), 2000);
    return connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n${"x".repeat(12_000_000)}`);
  }
  if (target === "/bad") {
    return connection.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  }
  answerOk(request, connection);
};

/** A pool of three servers per attack, which the listener of the attack leads to. */
async function start(attacked: Readonly<Record<string, Partial<Attack>>>) {
  const origins: Record<string, RawOrigin[]> = {};
  const listeners: Record<string, unknown> = {};
  const pools: Record<string, unknown> = {};
  for (const [i, [name, { pool, limits, prepare }]] of Object.entries(attacked).entries()) {
    origins[name] = [await startRawOrigin(serve), await startRawOrigin(serve), await startRawOrigin(serve)];
    for (const origin of origins[name]) prepare?.(origin);
    listeners[`l${i}`] = { listen: "127.0.0.1:0", pool: `l${i}`, ...(limits && { limits }) };
    pools[`l${i}`] = {
      servers: origins[name].map(({ address }) => address),
      algorithm: "round_robin",
      outlierDetection: { consecutiveErrors: 2 },
      ...pool,
    };
  }
  return { origins, evenkeel: await startEvenkeel({ config: { workers: 1, listeners, pools } }) };
}

it("a client cannot have good servers taken out", { timeout: 30_000 }, async () => {
  const { origins, evenkeel } = await start(attacks);
  await Promise.all(
    Object.entries(attacks).map(async ([name, { act }], index) => {
      const port = evenkeel.port(`l${index}`);
      await Promise.all(
        Array.from({ length: 9 }, async (_, i) => {
          const client = await RawClient.connect(port);
          await act(client, origins[name][i % 3]);
          client.socket.destroy();
        }),
      );
      expect([name, (await exchange(port, GET)).status]).toEqual([name, 200]);
      const errors = (await serverCounters(evenkeel, `l${index}`)).map((server) => server.errors);
      expect([name, errors]).toEqual([name, [0, 0, 0]]);
    }),
  );
  expect(await events(evenkeel)).toEqual([]);
});

const pause = () => new Promise((resolve) => setTimeout(resolve, 700));

it("what a client takes over its body, or over taking the answer, is not the server's latency", async () => {
  const { evenkeel } = await start({
    early: {
      prepare: (origin) => {
        origin.onData = (connection, data) => {
          if (data.includes("early"))
            connection.end("HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        };
      },
    },
  });
  await Promise.all(
    Array.from({ length: 9 }, async (_, i) => {
      const client = await RawClient.connect(evenkeel.port("l0"));
      await client.send("PUT /half HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nhalf");
      await pause();
      await client.send("half");
      await pause();
      await client.send(i % 2 === 0 ? "early-------" : "late--------");
      expect((await client.response()).status).toBe(i % 2 === 0 ? 413 : 200);
    }),
  );
  const { servers } = (await evenkeel.admin("/api/v2/pools/l0")) as { servers: { latency: { mean: number } }[] };
  for (const { latency } of servers) expect(latency.mean).toBeLessThan(300);
});
