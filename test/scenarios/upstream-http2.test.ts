import http2 from "node:http2";
import { describe, expect, it } from "vitest";
import { startHttp2Origin } from "../support/http2-origin.ts";
import { Load } from "../support/load.ts";
import { startNodeOrigin } from "../support/origins.ts";
import { digest, payload, payloadHash } from "../support/payload.ts";
import { peakWhile, residentBytes } from "../support/process-usage.ts";
import { serverCounters, startProxy, waitForQuiet } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { waitFor } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const h2c = { upstream: { protocol: "h2c" } };
const { NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL } = http2.constants;

/** What the origin says that it has got. */
async function echoed(response: Response): Promise<{ headers: Record<string, string>; body: { length: number } }> {
  return (await response.json()) as { headers: Record<string, string>; body: { length: number } };
}

/** Nine requests at one time that take a moment each. */
function askNine(url: string): Promise<number[]> {
  return Promise.all(Array.from({ length: 9 }, () => fetch(`${url}/slow/50`).then(({ status }) => status)));
}

describe("HTTP/2 in the clear to a server", () => {
  it("carries requests and answers, all on one connection", async () => {
    const origin = await startHttp2Origin();
    const evenkeel = await startProxy([origin.address], h2c);
    const response = await fetch(`${evenkeel.url()}/a?b=1`, { headers: { "x-one": "1", connection: "keep-alive" } });
    const echo = (await response.json()) as { headers: Record<string, string> };
    expect([response.status, response.headers.get("x-server")]).toEqual([200, "h2"]);
    expect(echo.headers).toMatchObject({
      ":method": "GET",
      ":path": "/a?b=1",
      ":scheme": "http",
      ":authority": `127.0.0.1:${evenkeel.port()}`,
      "x-one": "1",
      "x-forwarded-for": "127.0.0.1",
    });
    for (const name of ["host", "connection", "keep-alive"]) expect(echo.headers).not.toHaveProperty(name);
    const post = await fetch(`${evenkeel.url()}/b`, { method: "POST", body: "hello" });
    expect(await post.json()).toMatchObject({ body: { length: 5 }, headers: { ":method": "POST" } });
    const statuses = [];
    for (const path of ["/status/404", "/status/500", "/bytes/0", "/bytes/0?chunked"])
      statuses.push((await fetch(evenkeel.url() + path)).status);
    expect(statuses).toEqual([404, 500, 200, 200]);
    const head = await fetch(`${evenkeel.url()}/bytes/70000`, { method: "HEAD" });
    expect([head.headers.get("content-length"), await head.text()]).toEqual(["70000", ""]);
    expect(origin.sessions).toBe(1);
  });

  it("passes trailers both ways, and interim answers", async () => {
    const origin = await startHttp2Origin();
    const evenkeel = await startProxy([origin.address], h2c);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(
      "POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Up: 1\r\n\r\n",
    );
    const answer = await client.response("POST");
    expect(JSON.parse(answer.body.toString())).toMatchObject({ trailers: { "x-up": "1" }, body: { length: 2 } });
    expect(answer.trailers).toBe("x-sum: 1\r\ngrpc-status: 0\r\n");
    await client.send("GET /hints HTTP/1.1\r\nHost: a\r\n\r\n");
    const hints = await client.head();
    expect([hints.status, hints.headers["link"]]).toEqual([103, "</a.css>; rel=preload"]);
    expect((await client.response()).status).toBe(200);
  });

  it("balances each request of one client's connection by itself", async () => {
    const [one, two] = [await startHttp2Origin({ name: "one" }), await startHttp2Origin({ name: "two" })];
    const evenkeel = await startProxy([one.address, two.address], {
      ...h2c,
      pool: { algorithm: "round_robin", ...h2c },
    });
    const client = await RawClient.connect(evenkeel.port());
    for (let i = 0; i < 20; i++) {
      await client.send(GET);
      expect((await client.response()).status).toBe(200);
    }
    expect([one.requests.length, two.requests.length, one.sessions, two.sessions]).toEqual([10, 10, 1, 1]);
  });

  it("shares one connection among many clients", async () => {
    const origin = await startHttp2Origin();
    const evenkeel = await startProxy([origin.address], h2c);
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => fetch(`${evenkeel.url()}/slow/100?${i}`).then(echoed)),
    );
    expect(answers.map((answer) => answer.headers[":path"])).toEqual(answers.map((_, i) => `/slow/100?${i}`));
    expect([origin.sessions, origin.most > 20]).toEqual([1, true]);
    await waitForQuiet(evenkeel);
    expect((await serverCounters(evenkeel))[0]).toMatchObject({ connections: 1, requests: 60, errors: 0 });
  });

  it("opens another connection where the server or the configuration allows no more streams", async () => {
    const strict = await startHttp2Origin({ settings: { maxConcurrentStreams: 1 } });
    const evenkeel = await startProxy([strict.address], { upstream: { protocol: "h2c", maxConnections: 3 } });
    expect(await askNine(evenkeel.url())).toEqual(Array.from({ length: 9 }, () => 200));
    expect([strict.most, strict.sessions, strict.resets]).toEqual([1, 3, []]);
    const open = await startHttp2Origin();
    const modest = await startProxy([open.address], { upstream: { protocol: "h2c", maxStreams: 4 } });
    expect(await askNine(modest.url())).toEqual(Array.from({ length: 9 }, () => 200));
    expect([open.most, open.sessions]).toEqual([4, 3]);
  });

  it("follows a server that changes its settings", async () => {
    const origin = await startHttp2Origin();
    const evenkeel = await startProxy([origin.address], { upstream: { protocol: "h2c", maxConnections: 1 } });
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    const [session] = origin.open;
    await new Promise((resolve) =>
      session.settings({ maxConcurrentStreams: 2, initialWindowSize: 1000, headerTableSize: 0 }, resolve),
    );
    const body = "x".repeat(50_000);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => fetch(`${evenkeel.url()}/slow/20`, { method: "PUT", body }).then(echoed)),
    );
    expect(answers.map((answer) => answer.body.length)).toEqual(answers.map(() => body.length));
    expect([origin.most, origin.sessions, origin.resets]).toEqual([2, 1, []]);
  });
});

describe("HTTP/2 servers that end connections and streams", () => {
  it("with GOAWAY after every few requests cost no request, whatever its method", { timeout: 30_000 }, async () => {
    const origins = [await startHttp2Origin({ goAwayAfter: 7 }), await startHttp2Origin({ goAwayAfter: 25 })];
    const evenkeel = await startProxy(
      origins.map(({ address }) => address),
      h2c,
    );
    const load = new Load(evenkeel.port(), {
      clients: 16,
      request: (client) => (client % 2 === 0 ? GET : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
    });
    await waitFor("2000 answers", () => load.served >= 2000, 25_000);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(origins[0].sessions).toBeGreaterThan(50);
  });

  it("cost no request either when there is one server only", { timeout: 30_000 }, async () => {
    const origin = await startHttp2Origin({ goAwayAfter: 10 });
    const evenkeel = await startProxy([origin.address], h2c);
    const load = new Load(evenkeel.port(), { clients: 8, request: () => GET });
    await waitFor("1000 answers", () => load.served >= 1000, 25_000);
    await load.stop();
    expect(load.failures).toEqual([]);
  });

  it.each([
    ["refuses", NGHTTP2_REFUSED_STREAM, "POST", 200],
    ["resets", NGHTTP2_INTERNAL_ERROR, "GET", 200],
    ["resets", NGHTTP2_INTERNAL_ERROR, "POST", 502],
  ])("one that %s a stream (code %i) of a %s: %i", async (_, code, method, status) => {
    const bad = await startHttp2Origin({
      answer: (stream) => {
        stream.close(code);
        return true;
      },
    });
    const good = await startHttp2Origin();
    const evenkeel = await startProxy([bad.address, good.address], { pool: { algorithm: "round_robin", ...h2c } });
    const seen = new Set<number>();
    for (let i = 0; i < 4; i++) seen.add((await fetch(evenkeel.url(), { method })).status);
    expect(seen.has(status)).toBe(true);
    expect(seen.has(502)).toBe(status === 502);
    expect(bad.requests.length).toBeGreaterThan(0);
  });

  it("one that stalls is given up after the time for the head, by a reset of that stream only", async () => {
    const origin = await startHttp2Origin({ answer: (_, headers) => headers[":path"] === "/never" });
    const evenkeel = await startProxy([origin.address], {
      upstream: { protocol: "h2c", responseTimeout: "300ms" },
      pool: { retries: { attempts: 0 } },
    });
    const [never, soon] = await Promise.all([fetch(`${evenkeel.url()}/never`), fetch(`${evenkeel.url()}/slow/100`)]);
    expect([never.status, soon.status]).toEqual([504, 200]);
    await waitFor("the reset", () => origin.resets.length === 1);
    expect([origin.resets, origin.sessions, origin.open.size]).toEqual([[NGHTTP2_CANCEL], 1, 1]);
  });

  it("one that closes within an answer cuts the client off, before it another server is asked", async () => {
    const origin = await startHttp2Origin({
      answer: (stream, headers) => {
        if (headers[":path"] === "/cut") stream.respond({ ":status": 200, "content-length": 10 });
        if (headers[":path"] === "/cut") stream.write("hello");
        setImmediate(() => setTimeout(() => stream.session?.destroy(), 20));
        return true;
      },
    });
    const good = await startHttp2Origin();
    const evenkeel = await startProxy([origin.address, good.address], {
      pool: { algorithm: "round_robin", outlierDetection: false, ...h2c },
    });
    const outcomes = new Set<string>();
    for (let i = 0; i < 4; i++) {
      const client = await RawClient.connect(evenkeel.port());
      await client.send("GET /cut HTTP/1.1\r\nHost: a\r\n\r\n");
      outcomes.add(
        await client.response().then(
          ({ status }) => String(status),
          () => "cut",
        ),
      );
      expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    }
    expect(outcomes.has("cut")).toBe(true);
  });

  it("hears of a client that leaves by a reset of its stream, and keeps the connection", async () => {
    const origin = await startHttp2Origin({ answer: (_, headers) => headers[":path"] === "/never" });
    const evenkeel = await startProxy([origin.address], h2c);
    const client = await RawClient.connect(evenkeel.port());
    await client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    await waitFor("the request", () => origin.requests.length === 1);
    client.reset();
    await waitFor("the reset", () => origin.resets.length === 1);
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    expect([origin.resets, origin.sessions]).toEqual([[NGHTTP2_CANCEL], 1]);
  });

  it("is told when it does not speak HTTP/2 at all", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address], h2c);
    expect((await exchange(evenkeel.port(), GET)).status).toBe(502);
    await evenkeel.waitForLog(/cannot connect: the server does not speak HTTP\/2/);
  });
});

describe("bodies over HTTP/2 to a server", () => {
  const SIZE = 100_000_000;

  it("arrive whole both ways, in bounded memory", { timeout: 60_000 }, async () => {
    const origin = await startHttp2Origin();
    const evenkeel = await startProxy([origin.address], h2c);
    const expected = { length: SIZE, sha256: payloadHash(SIZE) };
    const upload = async (size: number) => {
      const response = await fetch(`${evenkeel.url()}/upload`, {
        method: "PUT",
        body: payload(size),
        duplex: "half",
      } as unknown as RequestInit);
      return ((await response.json()) as { body: unknown }).body;
    };
    await digest((await fetch(`${evenkeel.url()}/bytes/20000000`)).body!);
    await upload(20_000_000);
    const before = residentBytes(evenkeel.pid);
    const { peak, result } = await peakWhile(evenkeel.pid, async () => [
      await digest((await fetch(`${evenkeel.url()}/bytes/${SIZE}`)).body!),
      await digest((await fetch(`${evenkeel.url()}/bytes/${SIZE}?chunked`)).body!),
      await upload(SIZE),
    ]);
    expect(result).toEqual([expected, expected, expected]);
    expect(peak - before).toBeLessThan(64 * 1_048_576);
  });

  it("wait for a client that does not read, without holding up others", { timeout: 30_000 }, async () => {
    const origin = await startHttp2Origin();
    const evenkeel = await startProxy([origin.address], h2c);
    await digest((await fetch(`${evenkeel.url()}/bytes/20000000`)).body!);
    const before = residentBytes(evenkeel.pid);
    const slow = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = await RawClient.connect(evenkeel.port());
        client.socket.pause();
        await client.send(`GET /bytes/${SIZE} HTTP/1.1\r\nHost: a\r\n\r\n`);
        return client;
      }),
    );
    await waitFor("their streams", () => origin.requests.length >= 9);
    const { peak, result } = await peakWhile(evenkeel.pid, async () =>
      digest((await fetch(`${evenkeel.url()}/bytes/20000000`)).body!),
    );
    expect([result.length, origin.sessions]).toEqual([20_000_000, 1]);
    expect(peak - before).toBeLessThan(64 * 1_048_576);
    for (const client of slow) client.reset();
    await waitForQuiet(evenkeel);
  });
});

describe("WebSocket over HTTP/2 to a server", () => {
  const UPGRADE =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

  it("is an extended CONNECT", async () => {
    const origin = await startHttp2Origin({
      settings: { enableConnectProtocol: true },
      answer: (stream, headers) => {
        if (headers[":protocol"] !== "websocket") return false;
        stream.respond({ ":status": 200 });
        // A text frame for each that comes: the client's frame is masked with zeros here.
        stream.on("data", (data: Buffer) => stream.write(Buffer.concat([Buffer.from([0x81, 2]), data.subarray(6)])));
        stream.on("end", () => stream.end());
        return true;
      },
    });
    const evenkeel = await startProxy([origin.address], h2c);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(UPGRADE);
    const answer = await client.head();
    expect([answer.status, answer.headers["sec-websocket-accept"]]).toEqual([101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]);
    for (const text of ["hi", "ho"]) {
      await client.send(Buffer.concat([Buffer.from([0x81, 0x82, 0, 0, 0, 0]), Buffer.from(text)]));
      expect((await client.readBytes(4)).subarray(2).toString()).toBe(text);
    }
    client.end();
    expect(await client.closed()).toBe("end");
    await waitForQuiet(evenkeel);
    expect(origin.requests[0]).toMatchObject({ ":method": "CONNECT", ":path": "/chat", "sec-websocket-version": "13" });
  });

  it("is refused where the server does not allow it", async () => {
    const origin = await startHttp2Origin();
    const evenkeel = await startProxy([origin.address], h2c);
    const answer = await exchange(evenkeel.port(), UPGRADE);
    expect([answer.status, answer.body.toString()]).toEqual([502, expect.stringContaining("upgrade_not_possible")]);
  });
});
