import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { certificateFiles, TestAuthority } from "../support/certificates.ts";
import { answerOn, openSession, request } from "../support/http2-client.ts";
import type { Echo } from "../support/node-origin.ts";
import { startNodeOrigin } from "../support/origins.ts";
import { payload, payloadBytes, payloadHash } from "../support/payload.ts";
import { startProxy, waitForQuiet, webConfig } from "../support/proxy.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { tool } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const run = promisify(execFile);

/** A listener with TLS for example.test and its wildcard. */
async function tlsListener(changes: object = {}): Promise<Record<string, unknown>> {
  const authority = await TestAuthority.create();
  const { cert, key } = certificateFiles(
    await authority.issue({ names: ["example.test", "*.example.test", "127.0.0.1"] }),
  );
  return { tls: { certificates: [{ cert, key }] }, ...changes };
}

describe("HTTP/2 clients over TLS", () => {
  it("get answers of HTTP/1.1 servers, many at a time on one connection", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address], { listener: await tlsListener() });
    const session = await openSession(evenkeel.url(), { servername: "example.test" });
    expect(session.alpnProtocol).toBe("h2");
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        request(session, {
          ":path": `/echo/${i}?q=${i}`,
          ":authority": "example.test",
          cookie: ["a=1", "b=2"],
          "x-i": i,
        }),
      ),
    );
    for (const [i, { status, headers, body }] of answers.entries()) {
      const echo = JSON.parse(body.toString()) as Echo;
      expect([status, echo.url, echo.headers["x-i"]]).toEqual([200, `/echo/${i}?q=${i}`, String(i)]);
      expect(echo.headers["host"]).toBe("example.test");
      expect(echo.headers["cookie"]).toBe("a=1; b=2");
      expect(echo.headers["x-forwarded-proto"]).toBe("https");
      expect(headers["content-length"]).toBe(String(body.length));
      expect(headers["connection"]).toBeUndefined();
    }
    await waitForQuiet(evenkeel);
  });

  it("get 421 for a host that the certificate is not good for", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address], { listener: await tlsListener() });
    const session = await openSession(evenkeel.url(), { servername: "example.test" });
    const of = (authority: string) => request(session, { ":path": "/", ":authority": authority });
    expect((await of("other.example")).status).toBe(421);
    expect((await of("www.example.test")).status).toBe(200);
    expect((await of("example.test")).status).toBe(200);
  });

  it("are curl and h2load", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address], { listener: await tlsListener(), workers: 2 });
    const { stdout } = await run(tool("curl"), [
      "-sk",
      "--http2",
      "-w",
      "%{http_version} %{http_code}",
      "-o",
      "/dev/null",
      `${evenkeel.url()}/bytes/5`,
    ]);
    expect(stdout).toBe("2 200");
    const load = await run(tool("h2load"), ["-n", "5000", "-c", "10", "-m", "50", `${evenkeel.url()}/bytes/100`]);
    expect(load.stdout).toContain("5000 succeeded, 0 failed, 0 errored, 0 timeout");
    await waitForQuiet(evenkeel);
  });
});

describe("HTTP/2 clients with prior knowledge", () => {
  it("are understood on a listener without TLS, however the preface is cut", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    const { status, body } = await request(session, { ":path": "/bytes/1000" });
    expect([status, body.equals(payloadBytes(1000))]).toEqual([200, true]);
    const { stdout } = await run(tool("curl"), [
      "-s",
      "--http2-prior-knowledge",
      "-w",
      "%{http_version}",
      "-o",
      "/dev/null",
      evenkeel.url(),
    ]);
    expect(stdout).toBe("2");
  });

  it("are refused where HTTP/2 is off", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address], { listener: { http2: "off" } });
    await expect(openSession(evenkeel.url())).rejects.toThrow();
    const { stdout } = await run(tool("curl"), [
      "-s",
      "--http2",
      "-w",
      "%{http_version}",
      "-o",
      "/dev/null",
      evenkeel.url(),
    ]);
    expect(stdout).toBe("1.1");
  });
});

describe("bodies over HTTP/2", () => {
  it("arrive whole in both directions, with and without a length, also when many flow at a time", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    const size = 3_000_000;
    const sums = await Promise.all(
      [`/bytes/${size}`, `/bytes/${size}?chunked`, `/bytes/${size}`, "/bytes/0", "/bytes/0?chunked"].map(
        async (path) => {
          const { status, body } = await request(session, { ":path": path });
          return [status, body.length, createHash("sha256").update(body).digest("hex")];
        },
      ),
    );
    const full = [200, size, payloadHash(size)];
    expect(sums.slice(0, 3)).toEqual([full, full, full]);
    expect(sums.slice(3).map(([, length]) => length)).toEqual([0, 0]);
    const echoes = await Promise.all(
      [{}, { "content-length": size }].map(async (headers) => {
        const stream = session.request({ ":method": "POST", ":path": "/echo", ...headers });
        payload(size).pipe(stream);
        return JSON.parse((await answerOn(stream)).body.toString()) as Echo;
      }),
    );
    for (const { body } of echoes) expect(body).toEqual({ length: size, sha256: payloadHash(size) });
    expect(echoes[0]!.headers["transfer-encoding"]).toBe("chunked");
    expect(echoes[1]!.headers["content-length"]).toBe(String(size));
    await waitForQuiet(evenkeel);
  });

  it("carry trailers both ways", async () => {
    const origin = await startRawOrigin((_request, connection) =>
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Total: 7\r\n\r\n"),
    );
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    const stream = session.request({ ":method": "POST", ":path": "/" }, { endStream: false, waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "1" }));
    const answer = answerOn(stream);
    stream.end("abc");
    const { body, trailers } = await answer;
    expect([body.toString(), trailers["x-total"]]).toEqual(["abc", "7"]);
    const [received] = await origin.waitForRequests(1);
    expect([received!.headers["transfer-encoding"], received!.body.toString()]).toEqual(["chunked", "abc"]);
    expect(received!.trailers.toLowerCase()).toBe("x-sum: 1\r\n");
  });

  it("stop when the client does not read, and cost no other stream anything", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    const slow = session.request({ ":path": "/bytes/50000000" });
    slow.pause();
    await new Promise((resolve) => slow.once("response", resolve));
    for (let i = 0; i < 20; i++)
      expect((await request(session, { ":path": `/bytes/${1000 * i}` })).body.length).toBe(1000 * i);
    const body = answerOn(slow);
    slow.resume();
    expect((await body).body.length).toBe(50_000_000);
  });
});

describe("streams that end early", () => {
  it("free the server when the client resets them", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    const stream = session.request({ ":path": "/slow/60000" });
    stream.on("error", () => undefined);
    await waitFor("the request to be in flight", async () => {
      const view = (await evenkeel.admin("/api/v2/pools/web")) as { servers: { inFlight: number }[] };
      return view.servers[0]!.inFlight === 1;
    });
    stream.close(8);
    await waitForQuiet(evenkeel);
    expect((await request(session, { ":path": "/" })).status).toBe(200);
  });

  it("are reset when the server breaks off within its answer", async () => {
    const origin = await startRawOrigin((_request, connection) =>
      connection.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
    );
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    await expect(request(session, { ":path": "/" })).rejects.toThrow("INTERNAL_ERROR");
  });

  it("get our error answers with a code", async () => {
    const evenkeel = await startProxy(["127.0.0.1:1"], { pool: { retries: { attempts: 0 } } });
    const session = await openSession(evenkeel.url());
    const { status, headers, body } = await request(session, { ":path": "/", accept: "application/json" });
    expect([status, headers["content-type"]]).toEqual([502, "application/json"]);
    expect((JSON.parse(body.toString()) as { error: { code: string } }).error.code).toBe("connect_failed");
  });
});

describe("the end of an HTTP/2 connection", () => {
  it("is told in two steps, and requests in flight are answered", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address], { top: { drainTimeout: "20s" } });
    const session = await openSession(evenkeel.url());
    const lastStreams: number[] = [];
    session.on("goaway", (_code, last) => lastStreams.push(last));
    const slow = request(session, { ":path": "/slow/500" });
    await waitFor("the request to be in flight", async () => {
      const view = (await evenkeel.admin("/api/v2/pools/web")) as { servers: { inFlight: number }[] };
      return view.servers[0]!.inFlight === 1;
    });
    evenkeel.signal("SIGTERM");
    expect((await slow).status).toBe(200);
    expect(await evenkeel.exited).toBe(0);
    expect(lastStreams[0]).toBe(2 ** 31 - 1);
    expect(lastStreams.at(-1)).toBe(1);
  });

  it("comes when a listener is gone after a reload, and new requests go on elsewhere", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    expect((await request(session, { ":path": "/" })).status).toBe(200);
    const closed = new Promise((resolve) => session.once("close", resolve));
    const { listeners, ...rest } = webConfig([origin.address]) as { listeners: Record<string, object> };
    evenkeel.writeConfig({ ...rest, listeners: { other: { ...listeners["web"], listen: "127.0.0.1:0" } } });
    evenkeel.signal("SIGHUP");
    await closed;
  });

  it("comes after so many requests", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address], { limits: { maxRequestsPerConnection: 3 } });
    const session = await openSession(evenkeel.url());
    const closed = new Promise((resolve) => session.once("close", resolve));
    for (let i = 0; i < 3; i++) expect((await request(session, { ":path": "/" })).status).toBe(200);
    await closed;
  });

  it("comes after the idle timeout", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address], { limits: { idleTimeout: "300ms" } });
    const session = await openSession(evenkeel.url());
    const closed = new Promise((resolve) => session.once("close", resolve));
    expect((await request(session, { ":path": "/" })).status).toBe(200);
    await closed;
  });
});
