import { describe, expect, it } from "vitest";
import { startProxy } from "../support/proxy.ts";
import { RawClient } from "../support/raw-client.ts";
import { answerOk, type OriginConnection, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor, within } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** An origin that keeps `/wait` waiting for the test. */
async function startWaitingOrigin() {
  const waiting: OriginConnection[] = [];
  const origin = await startRawOrigin((request, connection) => {
    if (request.target === "/wait") waiting.push(connection);
    else answerOk(request, connection);
  });
  return { origin, waiting };
}

describe("SIGTERM", () => {
  it.each([1, 2])(
    "drains: requests in flight end, idle connections are closed, exit code 0 (%i workers)",
    async (workers) => {
      const { origin, waiting } = await startWaitingOrigin();
      const evenkeel = await startProxy([origin.address], { workers });
      const idle = await RawClient.connect(evenkeel.port());
      await idle.send(GET);
      await idle.response();
      const busy = await RawClient.connect(evenkeel.port());
      await busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
      await waitFor("the request at the server", () => waiting.length === 1);
      evenkeel.signal("SIGTERM");
      expect(await idle.closed()).toBe("end");
      await waitFor("new connections to be refused", () =>
        RawClient.connect(evenkeel.port()).then(
          async (client) => {
            // One that was taken just before must not hang.
            client.socket.destroy();
            return false;
          },
          () => true,
        ),
      );
      waiting[0].send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast");
      const response = await busy.response();
      expect(response.body.toString()).toBe("last");
      expect(response.headers["connection"]).toBe("close");
      expect(await evenkeel.exited).toBe(0);
    },
  );

  it("with nobody reading its log drains and ends all the same", async () => {
    const { origin } = await startWaitingOrigin();
    const evenkeel = await startProxy([origin.address], { top: { drainTimeout: "1s" } });
    evenkeel.process.stderr!.destroy();
    const client = await RawClient.connect(evenkeel.port());
    // Both write to the log: a reload with a bad file, and the drain.
    evenkeel.writeConfig("{");
    evenkeel.signal("SIGHUP");
    await client.send(GET);
    expect((await client.response()).status).toBe(200);
    evenkeel.signal("SIGTERM");
    expect(await within("the end of the program", evenkeel.exited)).toBe(0);
  });

  it("cuts what is not done after the drain timeout", async () => {
    const { origin, waiting } = await startWaitingOrigin();
    const evenkeel = await startProxy([origin.address], { top: { drainTimeout: "500ms" } });
    const busy = await RawClient.connect(evenkeel.port());
    await busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    await waitFor("the request at the server", () => waiting.length === 1);
    const start = Date.now();
    evenkeel.signal("SIGTERM");
    await busy.closed();
    await evenkeel.exited;
    expect(Date.now() - start).toBeGreaterThan(400);
    expect(Date.now() - start).toBeLessThan(5000);
  });

  it("a second time ends at once", async () => {
    const { origin, waiting } = await startWaitingOrigin();
    const evenkeel = await startProxy([origin.address], { top: { drainTimeout: "60s" } });
    const busy = await RawClient.connect(evenkeel.port());
    await busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    await waitFor("the request at the server", () => waiting.length === 1);
    evenkeel.signal("SIGTERM");
    await evenkeel.waitForLog(/drain/i);
    evenkeel.signal("SIGTERM");
    const start = Date.now();
    await evenkeel.exited;
    expect(Date.now() - start).toBeLessThan(3000);
  });

  it("loses no request of clients that notice Connection: close", async () => {
    const { origin } = await startWaitingOrigin();
    const evenkeel = await startProxy([origin.address], { workers: 2 });
    const failures: string[] = [];
    let served = 0;
    const load = Array.from({ length: 16 }, async () => {
      for (;;) {
        const client = await RawClient.connect(evenkeel.port()).catch(() => undefined);
        if (client === undefined) return;
        for (;;) {
          const before = client.ending;
          await client.send(GET);
          const response = await client.response().catch((error: Error) => error);
          if (response instanceof Error) {
            // An idle connection may be closed between two requests; a request that got a part of its answer may not.
            if (client.unread.length > 0 || (before === undefined && response.message.includes("bytes")))
              failures.push(response.message);
            break;
          }
          served++;
          if (response.status !== 200) failures.push(response.statusLine);
          if (response.headers["connection"] === "close") break;
        }
        client.socket.destroy();
      }
    });
    await waitFor("load", () => served > 500);
    evenkeel.signal("SIGTERM");
    expect(await evenkeel.exited).toBe(0);
    await Promise.all(load);
    expect(failures).toEqual([]);
  });
});
