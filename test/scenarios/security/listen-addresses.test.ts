import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { atEnd } from "../../support/cleanup.ts";
import { type Evenkeel, spawnEvenkeel, startEvenkeel } from "../../support/evenkeel.ts";
import { RawClient } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

function socketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-socket-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "web.sock");
}

const config = (name: string, listen: string, server: string) => ({
  workers: 2,
  listeners: { [name]: { listen, pool: "p" } },
  pools: { p: { servers: [server] } },
});

/** Status of an answer over the socket, or the error's code. */
function ask(path: string): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    request({ socketPath: path, path: "/", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", (error: NodeJS.ErrnoException) => resolve(error.code))
      .end();
  });
}

async function renamed(evenkeel: Evenkeel, to: Readonly<Record<string, unknown>>): Promise<void> {
  evenkeel.writeConfig({ admin: { listen: "127.0.0.1:0" }, ...to });
  evenkeel.signal("SIGHUP");
  await waitFor(
    "the reload",
    async () => ((await evenkeel.admin("/api/v2/status")) as { snapshot: number }).snapshot > 1,
  );
}

const counts = async (evenkeel: Evenkeel) =>
  (
    (await evenkeel.admin("/api/v2/listeners")) as { listeners: { name: string; openConnections: number }[] }
  ).listeners.map(({ name, openConnections }) => [name, openConnections]);

describe("a unix socket", () => {
  it("is not taken from a living process", async () => {
    const origin = await startRawOrigin();
    const path = socketPath();
    await startEvenkeel({ config: config("web", `unix:${path}`, origin.address) });
    const second = spawnEvenkeel({ config: config("web", `unix:${path}`, origin.address) });
    expect(await second.exited).not.toBe(0);
    expect(second.log.join("\n")).toContain("the address is in use");
    expect(await ask(path)).toBe(200);
  });

  it("is taken over from a process that was killed, and a file that is no socket stays", async () => {
    const origin = await startRawOrigin();
    const path = socketPath();
    const first = await startEvenkeel({ config: config("web", `unix:${path}`, origin.address) });
    first.signal("SIGKILL");
    await first.exited;
    expect(existsSync(path)).toBe(true);
    await startEvenkeel({ config: config("web", `unix:${path}`, origin.address) });
    expect(await ask(path)).toBe(200);
    const file = `${path}.txt`;
    writeFileSync(file, "");
    const other = spawnEvenkeel({ config: config("web", `unix:${file}`, origin.address) });
    expect(await other.exited).not.toBe(0);
    expect(existsSync(file)).toBe(true);
  });

  it("goes on answering when a reload renames its listener", async () => {
    const origin = await startRawOrigin();
    const path = socketPath();
    const evenkeel = await startEvenkeel({ config: config("web", `unix:${path}`, origin.address) });
    await renamed(evenkeel, config("www", `unix:${path}`, origin.address));
    expect(await ask(path)).toBe(200);
    await renamed(evenkeel, config("web", `unix:${path}`, origin.address));
    expect(await ask(path)).toBe(200);
  });
});

describe("a port", () => {
  it("keeps its connections, and their count, when a reload renames its listener", async () => {
    const origin = await startRawOrigin();
    const probe = createServer();
    const port = await new Promise<number>((resolve) =>
      probe.listen(0, "127.0.0.1", () => resolve((probe.address() as { port: number }).port)),
    );
    await new Promise((resolve) => probe.close(resolve));
    const evenkeel = await startEvenkeel({ config: config("web", `127.0.0.1:${port}`, origin.address) });
    const client = await RawClient.connect(port);
    const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    await client.send(get);
    expect((await client.response()).status).toBe(200);
    await renamed(evenkeel, config("www", `127.0.0.1:${port}`, origin.address));
    expect(await counts(evenkeel)).toEqual([["www", 1]]);
    await client.send(get);
    expect((await client.response()).status).toBe(200);
    client.socket.destroy();
    await waitFor("no open connections", async () => (await counts(evenkeel))[0][1] === 0);
  });
});
