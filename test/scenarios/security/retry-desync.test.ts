import { expect, it } from "vitest";
import { startEvenkeel } from "../../support/evenkeel.ts";
import { waitForQuiet } from "../../support/proxy.ts";
import { RawClient } from "../../support/raw-client.ts";
import { type OriginConnection, type OriginScript, type RawOrigin, startRawOrigin } from "../../support/raw-origin.ts";

const POISON = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
const FAILED = "HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nfail";

/** Answers with the request's own target, so that an answer that goes astray shows. */
const echo: OriginScript = ({ target }, connection) =>
  connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`);

const soon = (ms: number, act: () => void) => void setTimeout(act, ms);
const endless = (connection: OriginConnection) => {
  const more = () => {
    while (!connection.closed && connection.socket.writable && connection.socket.write(Buffer.alloc(65_536, 120)));
  };
  connection.socket.on("drain", more);
  more();
};

/** What the hostile server does with a request that will be, or has been, given to another server. */
const lies: Readonly<Record<string, OriginScript>> = {
  "an answer behind the refused one": (_, c) => c.send(FAILED + POISON),
  "half an answer behind the refused one": (_, c) => (c.send(`${FAILED}HTTP/1.1 20`), soon(2, () => c.send(POISON))),
  "a refused answer without an end": (_, c) => (c.send("HTTP/1.1 503 No\r\nConnection: close\r\n\r\n"), endless(c)),
  "a refused answer of an endless length": (_, c) => (
    c.send("HTTP/1.1 503 No\r\nContent-Length: 9000000000000\r\n\r\n"),
    endless(c)
  ),
  "refused chunks that do not end": (_, c) => (
    c.send("HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfail\r\n"),
    soon(3, () => c.send(`0\r\n\r\n${POISON}`))
  ),
  "refused chunks that are none": (_, c) =>
    c.send(`HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\nXX\r\n${POISON}`),
  "interim answers before and behind the refused one": (_, c) =>
    c.send(`${"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n".repeat(10)}${FAILED}HTTP/1.1 100 Continue\r\n\r\n${POISON}`),
  "interim answers without an end": (_, c) => c.send("HTTP/1.1 102 Processing\r\n\r\n".repeat(500)),
  "a refused answer in single bytes": async (_, c) => {
    for (const byte of FAILED + POISON) {
      c.send(byte);
      await new Promise(setImmediate);
    }
  },
  "an answer after the time for the try": (_, c) => soon(600, () => c.send(POISON + POISON)),
  "half a head, and the rest after the time for the try": (_, c) => (
    c.send("HTTP/1.1 200 OK\r\nContent-"),
    soon(600, () => c.send("Length: 6\r\n\r\npoison"))
  ),
  // The timers' wheel turns every 50 ms, so this is before, at and after it. What comes before it is a valid answer.
  "an answer at the very time that the try ends": ({ target }, c) =>
    soon(295 + Math.random() * 60, () =>
      c.send(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`),
    ),
  "nothing but a reset": (_, c) => c.reset(),
};

/** One program with a pool per case, which requests below `/name/` go to. */
async function startPools(
  pools: Readonly<Record<string, readonly RawOrigin[]>>,
  settings: Readonly<Record<string, unknown>>,
) {
  const names = Object.keys(pools);
  return startEvenkeel({
    config: {
      workers: 1,
      listeners: {
        web: {
          listen: "127.0.0.1:0",
          routes: names.map((_, i) => ({ match: { path: `/${i}/*` }, pool: `p${i}` })),
        },
      },
      pools: Object.fromEntries(
        names.map((name, i) => [
          `p${i}`,
          {
            servers: pools[name].map(({ address }) => address),
            algorithm: "round_robin",
            outlierDetection: false,
            ...settings,
          },
        ]),
      ),
    },
  });
}

it("a server that goes on talking when its try is over reaches no client", { timeout: 30_000 }, async () => {
  const names = Object.keys(lies);
  const good = await startRawOrigin(echo);
  const pools: Record<string, RawOrigin[]> = {};
  for (const [name, lie] of Object.entries(lies)) pools[name] = [await startRawOrigin(lie), good];
  const retries = { statuses: [503], tryTimeout: "300ms", attempts: 1, minRetriesPerSecond: 10_000 };
  const evenkeel = await startPools(pools, { retries });
  await Promise.all(
    names.map(async (name, index) => {
      const turns = name.includes("time") ? 4 : 10;
      const clients = await Promise.all([1, 2, 3, 4].map(() => RawClient.connect(evenkeel.port())));
      for (let turn = 0; turn < turns; turn++) {
        await Promise.all(
          clients.map(async (client, i) => {
            const target = `/${index}/${i}-${turn}`;
            await client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
            const response = await client.response();
            expect([name, response.status, response.body.toString()]).toEqual([name, 200, target]);
            expect(client.unread.length).toBe(0);
          }),
        );
      }
      await waitForQuiet(evenkeel, `p${index}`);
      expect([name, pools[name][0].connections.length > 0]).toEqual([name, true]);
    }),
  );
  expect(await evenkeel.admin("/api/v2/status")).toMatchObject({ workers: [{ restarts: 0 }] });
});

it(
  "of two servers that answer a hedged request one gets through, and to the right client",
  { timeout: 30_000 },
  async () => {
    const ways: Readonly<Record<string, readonly [delay: () => number, parts: boolean, more: string]>> = {
      "at the same time": [() => 30, false, ""],
      "one after the other": [() => 20 + Math.random() * 40, false, ""],
      "in two parts": [() => 30, true, ""],
      "and more behind it": [() => 25 + Math.random() * 10, false, POISON],
    };
    const pools: Record<string, RawOrigin[]> = {};
    for (const [name, [delay, parts, more]] of Object.entries(ways)) {
      const late: OriginScript = ({ target }, c) => {
        const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`;
        soon(delay(), () => c.send(parts ? answer.slice(0, 30) : answer + more));
        if (parts) soon(delay() + 2, () => c.send(answer.slice(30)));
      };
      pools[name] = [await startRawOrigin(late), await startRawOrigin(late), await startRawOrigin(late)];
    }
    const evenkeel = await startPools(pools, {
      hedging: { percentile: 50, minDelay: "5ms", maxDelay: "10ms", budget: "100%" },
    });
    let sent = 0;
    await Promise.all(
      Object.keys(ways).map(async (name, index) => {
        const clients = await Promise.all([1, 2, 3, 4, 5].map(() => RawClient.connect(evenkeel.port())));
        await Promise.all(
          clients.map(async (client, i) => {
            for (let turn = 0; turn < 20; turn++) {
              const target = `/${index}/${i}-${turn}`;
              const gone = await RawClient.connect(evenkeel.port());
              await gone.send(`GET /${index}/gone HTTP/1.1\r\nHost: a\r\n\r\n`);
              await client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
              sent++;
              if (turn % 3 === 0) gone.reset();
              const response = await client.response();
              expect([name, response.status, response.body.toString()]).toEqual([name, 200, target]);
              expect(client.unread.length).toBe(0);
              gone.reset();
            }
          }),
        );
        await waitForQuiet(evenkeel, `p${index}`);
      }),
    );
    const asked = Object.values(pools)
      .flat()
      .flatMap(({ requests }) => requests.filter(({ target }) => !target.endsWith("gone")));
    expect(asked.length).toBeGreaterThan(sent);
    // At most one second request per request.
    expect(asked.length).toBeLessThanOrEqual(2 * sent);
    expect(await evenkeel.admin("/api/v2/status")).toMatchObject({ workers: [{ restarts: 0 }] });
  },
);
