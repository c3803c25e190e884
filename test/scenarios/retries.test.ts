import { describe, expect, it } from "vitest";
import { freePort, startNodeOriginProcess } from "../support/origins.ts";
import { Load } from "../support/load.ts";
import { serverCounters, startProxy, waitForQuiet } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { answerOk, type OriginScript, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";

/** Takes a request and ends its connection without an answer. */
const hangUp: OriginScript = (_, connection) => connection.end();

describe("a server that refuses connections", () => {
  it.each([
    ["GET", GET],
    ["POST", POST],
  ])("costs a %s nothing when there is another", async (_, bytes) => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([`127.0.0.1:${await freePort()}`, origin.address], {
      pool: { algorithm: "round_robin" },
    });
    for (let i = 0; i < 10; i++) expect((await exchange(evenkeel.port(), bytes)).status).toBe(200);
    expect(origin.requests).toHaveLength(10);
    const [dead] = await serverCounters(evenkeel);
    expect(dead.connectFailures).toBeGreaterThan(0);
  });

  it("gives 502 when retries are off", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([`127.0.0.1:${await freePort()}`, origin.address], {
      pool: { algorithm: "round_robin", retries: { attempts: 0 } },
    });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await exchange(evenkeel.port(), GET)).status);
    // The first one that is refused takes the server out.
    expect(statuses.toSorted()).toEqual([200, 200, 200, 502]);
  });

  it("is given up after the configured number of attempts", async () => {
    const servers = [];
    for (let i = 0; i < 4; i++) servers.push(`127.0.0.1:${await freePort()}`);
    const evenkeel = await startProxy(servers, { pool: { retries: { attempts: 2 } } });
    expect((await exchange(evenkeel.port(), GET)).status).toBe(502);
    const failures = (await serverCounters(evenkeel)).reduce((sum, server) => sum + server.connectFailures, 0);
    expect(failures).toBe(3);
  });
});

describe("a connection that ends without an answer", () => {
  it("repeats an idempotent request on another server", async () => {
    const bad = await startRawOrigin(hangUp);
    const good = await startRawOrigin();
    const evenkeel = await startProxy([bad.address, good.address], { pool: { algorithm: "round_robin" } });
    for (let i = 0; i < 10; i++) expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    expect(bad.requests.length).toBeGreaterThan(0);
    expect(good.requests).toHaveLength(10);
  });

  it("repeats a PUT with its body", async () => {
    const bad = await startRawOrigin(hangUp);
    const good = await startRawOrigin();
    const evenkeel = await startProxy([bad.address, good.address], { pool: { algorithm: "round_robin" } });
    for (let i = 0; i < 4; i++) {
      expect((await exchange(evenkeel.port(), POST.replace("POST", "PUT"))).status).toBe(200);
    }
    expect(bad.requests.length).toBeGreaterThan(0);
    expect(good.requests.map(({ body }) => body.toString())).toEqual(["hi", "hi", "hi", "hi"]);
  });

  it("never repeats a POST that the server may have seen", async () => {
    const bad = await startRawOrigin(hangUp);
    const good = await startRawOrigin();
    const evenkeel = await startProxy([bad.address, good.address], { pool: { algorithm: "round_robin" } });
    const statuses = [];
    for (let i = 0; i < 10; i++) statuses.push((await exchange(evenkeel.port(), POST)).status);
    expect(statuses.filter((status) => status === 502)).toHaveLength(bad.requests.length);
    expect(bad.requests.length + good.requests.length).toBe(10);
    expect(bad.requests.length).toBeGreaterThan(0);
  });

  it("does not repeat a PUT whose body is over the limit of what is kept", async () => {
    const bad = await startRawOrigin(hangUp);
    const evenkeel = await startProxy([bad.address, (await startRawOrigin(hangUp)).address], {
      pool: { algorithm: "round_robin", retries: { bufferLimit: 1000 } },
    });
    const put = `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n${"x".repeat(5000)}`;
    expect((await exchange(evenkeel.port(), put)).status).toBe(502);
    const retries = (await serverCounters(evenkeel)).reduce((sum, server) => sum + server.retries, 0);
    expect(retries).toBe(0);
  });

  it("does not repeat once the answer has begun", async () => {
    const bad = await startRawOrigin((_, connection) =>
      connection.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
    );
    const good = await startRawOrigin();
    const evenkeel = await startProxy([bad.address, good.address], { pool: { algorithm: "round_robin" } });
    for (let i = 0; i < 4; i++) await exchange(evenkeel.port(), GET).catch(() => undefined);
    expect(bad.requests.length + good.requests.length).toBe(4);
  });

  it("does not repeat an answer of 503, which is the server's word", async () => {
    const origin = await startRawOrigin((_, connection) =>
      connection.send("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"),
    );
    const evenkeel = await startProxy([origin.address, (await startRawOrigin(origin.script)).address]);
    const response = await exchange(evenkeel.port(), GET);
    expect(response.statusLine).toBe("HTTP/1.1 503 No");
  });
});

describe("an idle connection that the server closes just as a request goes out", () => {
  it("costs an idempotent request nothing, even with one server", async () => {
    let resets = 0;
    const origin = await startRawOrigin((request, connection) => {
      // The second request on a connection finds it closed.
      if (connection.requests.length > 1) {
        resets++;
        connection.reset();
      } else answerOk(request, connection);
    });
    const evenkeel = await startProxy([origin.address], { pool: { retries: { attempts: 0 } } });
    const client = await RawClient.connect(evenkeel.port());
    for (let i = 0; i < 20; i++) {
      await client.send(GET);
      expect((await client.response()).status).toBe(200);
    }
    expect(resets).toBeGreaterThan(5);
  });
});

describe("killing a server under load", () => {
  it("costs idempotent requests nothing", { timeout: 60_000 }, async () => {
    const survivor = await startNodeOriginProcess("survivor");
    let victim = await startNodeOriginProcess("victim");
    const { port } = victim;
    const evenkeel = await startProxy([victim.address, survivor.address], {
      workers: 2,
      pool: { algorithm: "round_robin" },
    });
    const seen: Record<string, number> = {};
    const load = new Load(evenkeel.port(), {
      clients: 32,
      request: (i) => (i % 2 === 0 ? GET : POST.replace("POST", "PUT")),
      onResponse: ({ headers }) => (seen[headers["x-server"]] = (seen[headers["x-server"]] ?? 0) + 1),
    });
    for (let round = 0; round < 5; round++) {
      const before = seen["victim"] ?? 0;
      await waitFor("the victim to take part", () => (seen["victim"] ?? 0) > before + 200);
      await victim.kill();
      const afterKill = seen["survivor"] ?? 0;
      await waitFor("the survivor to carry on", () => (seen["survivor"] ?? 0) > afterKill + 200);
      victim = await startNodeOriginProcess("victim", port);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    await waitForQuiet(evenkeel);
  });
});
