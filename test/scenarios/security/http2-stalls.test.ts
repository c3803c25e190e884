import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { Bystanders } from "../../support/bystanders.ts";
import type { Evenkeel } from "../../support/evenkeel.ts";
import {
  block,
  data,
  END_STREAM,
  frame,
  FrameTypes,
  headers,
  ping,
  request,
  settings,
  upload,
  windowUpdate,
} from "../../support/http2-frames.ts";
import { Http2Raw } from "../../support/http2-raw.ts";
import { openDescriptors, residentBytes } from "../../support/process-usage.ts";
import { serverCounters, startProxy, waitForQuiet } from "../../support/proxy.ts";
import { answerOk, type RawOrigin, startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

const MIB = 1024 * 1024;
/** Bytes of a big answer. */
const BIG = 4 * MIB;
/** Bytes of an answer that fits into what may wait for a client. */
const MIDDLE = 60_000;

/** Below /never nothing, below /big and /middle many bytes as fast as they are taken, else a small 200. */
async function startOrigin(): Promise<RawOrigin> {
  const body = Buffer.alloc(BIG, "x");
  return startRawOrigin((asked, connection) => {
    if (asked.target === "/never") return;
    if (asked.target !== "/big" && asked.target !== "/middle") return answerOk(asked, connection);
    const length = asked.target === "/big" ? BIG : MIDDLE;
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`);
    connection.send(body.subarray(0, length));
  });
}

describe("clients of HTTP/2 that stall", { timeout: 40_000 }, () => {
  let evenkeel: Evenkeel;
  let origin: RawOrigin;
  let bystanders: Bystanders;
  let files: number;
  let before: number;

  beforeAll(async () => {
    origin = await startOrigin();
    evenkeel = await startProxy([origin.address], {
      limits: { headTimeout: "2s", idleTimeout: "5s", bodyTimeout: "3s" },
      pool: { retries: { attempts: 0 }, outlierDetection: false },
      upstream: { maxIdle: 4, responseTimeout: "20s", requestTimeout: "30s" },
    });
    bystanders = await Bystanders.start(evenkeel.url(), evenkeel.port());
    await waitFor("some answers", () => bystanders.answers >= 50);
    bystanders.percentile();
    files = openDescriptors(evenkeel.pid);
    before = residentBytes(evenkeel.pid);
  });

  const connect = (...pairs: readonly number[]) => Http2Raw.connect(evenkeel.port(), { settings: pairs });

  it.concurrent("before the preface, within it, and before SETTINGS", async () => {
    const beginnings = ["", "PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0"];
    const clients = await Promise.all(beginnings.map(() => Http2Raw.connect(evenkeel.port(), { bare: true })));
    await Promise.all(clients.map((client, i) => client.send(beginnings[i]!)));
    for (const client of clients) await client.closed(20_000);
    // Those that were understood to speak HTTP/2 are told.
    expect(clients.slice(2).map(({ goAway }) => goAway?.code)).toEqual([4, 4]);
  });

  it.concurrent("within a head, whose frame comes byte by byte", async () => {
    const client = await connect();
    const bytes = headers(1, request("/", ["x", "y".repeat(4000)]));
    const started = performance.now();
    for (let i = 0; i < bytes.length && client.ending === undefined; i++) {
      await client.send(bytes.subarray(i, i + 1));
      await sleep(20);
    }
    await client.closed(20_000);
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(client.streams.size).toBe(0);
  });

  it.concurrent(
    "within a header block: other streams of theirs get their answers, and then they are closed",
    async () => {
      const client = await connect();
      await client.send(headers(1, request("/big")), windowUpdate(0, BIG), windowUpdate(1, BIG));
      await client.send(frame(FrameTypes.headers, END_STREAM, 3, block(request())));
      const { status, body } = await client.answer(1, 20_000);
      expect([status, body.length]).toEqual([200, BIG]);
      await client.closed(20_000);
    },
  );

  it.concurrent("within bodies", async () => {
    const client = await connect();
    for (let id = 1; id < 100; id += 2) void client.send(headers(id, upload("/never"), false), data(id, "x"));
    for (let id = 1; id < 100; id += 2) expect((await client.answer(id, 20_000)).status).toBe(408);
    await client.send(headers(101, request()));
    expect((await client.answer(101, 20_000)).status).toBe(200);
  });

  it.concurrent("with windows of nothing, and many answers", async () => {
    const client = await connect(4, 0);
    for (let id = 1; id < 200; id += 2) void client.send(headers(id, request(id % 4 === 1 ? "/big" : "/")));
    await waitFor("heads", () => client.streams.size === 100);
    for (let id = 1; id < 200; id += 2) expect((await client.answer(id, 20_000)).reset).toBe(8);
    expect([...client.streams.values()].every(({ body }) => body.length === 0)).toBe(true);
    await client.closed(20_000);
  });

  it.concurrent("and open their windows by single bytes", async () => {
    const client = await connect(4, 0);
    for (let id = 1; id < 20; id += 2) void client.send(headers(id, request("/big")));
    await waitFor("heads", () => client.streams.size === 10);
    while (client.ending === undefined) {
      for (let id = 1; id < 20; id += 2) void client.send(windowUpdate(id, 1));
      await sleep(5);
    }
    expect(client.goAway).toMatchObject({ code: 11, text: "maxEmptyFrames is exceeded" });
  });

  it.concurrent("get everything when they only are slow, also those answers that have to wait for others", async () => {
    // From an address of its own: after what the others do, theirs is restricted.
    const client = await Http2Raw.connect(evenkeel.port(), { settings: [4, 2 ** 20], localAddress: "127.0.0.7" });
    const ids = Array.from({ length: 40 }, (_, i) => 2 * i + 1);
    const started = performance.now();
    for (const id of ids) void client.send(headers(id, request("/middle")));
    // 2.4 MB in some 6 s, while an answer that stands still is given up after 3 s.
    while (ids.some((id) => client.streams.get(id)?.ended !== true)) {
      if (ids.some((id) => client.streams.get(id)?.reset !== undefined)) break;
      await client.send(windowUpdate(0, 8192));
      await sleep(20);
    }
    expect(ids.map((id) => client.streams.get(id)?.body.length)).toEqual(ids.map(() => MIDDLE));
    expect(performance.now() - started).toBeGreaterThan(4000);
  });

  it.concurrent("and never read, whatever they make us send", async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => connect(4, 2 ** 31 - 1)));
    await Promise.all(
      clients.map(async (client, i) => {
        await waitFor("the settings", () => client.frames.length > 0);
        client.socket.pause();
        await client.send(windowUpdate(0, 2 ** 31 - 1 - 65_535));
        for (let id = 1; id < 6; id += 2) void client.send(headers(id, request("/big")));
        // Half of them go on with something that wants answers.
        if (i % 2 === 0) for (let n = 0; n < 90; n++) void client.send(ping(), n < 19 ? settings() : "");
      }),
    );
    await waitFor("the proxy to give them up", async () => openDescriptors(evenkeel.pid) < files + 40, 35_000);
    for (const client of clients) client.socket.destroy();
  });

  it.concurrent("with WebSockets that were never opened, and those that are silent", async () => {
    const client = await connect();
    const asks: [string, string][] = [
      [":method", "CONNECT"],
      [":protocol", "websocket"],
      ...(request("/never").slice(1) as [string, string][]),
      ["sec-websocket-version", "13"],
    ];
    for (let id = 1; id < 600; id += 2) void client.send(headers(id, asks, false));
    // 128 at a time; the others are refused, and more than 100 refusals end the connection.
    await client.closed(20_000);
    expect(client.goAway?.text).toBe("maxResets is exceeded");
  });

  it("but leave nothing behind, and do others no harm", async () => {
    bystanders.expectUnharmed();
    await bystanders.stop();
    await waitForQuiet(evenkeel);
    await waitFor("descriptors to be given back", () => openDescriptors(evenkeel.pid) < files + 12);
    // Each client that does not read has some 64 KiB of each answer waiting for it.
    expect(residentBytes(evenkeel.pid) - before).toBeLessThan(200 * MIB);
    await waitFor("connections", async () => (await serverCounters(evenkeel))[0]!.connections <= 6);
    expect(evenkeel.log.filter((line) => / error /.test(line))).toEqual([]);
  });
});
