import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ExchangePool } from "./http/exchange-pool.ts";
import { HttpListener } from "./listener.ts";
import { planOf, webConfig } from "./plan.fixture.ts";
import { testWorker } from "./worker.fixture.ts";

const folders: string[] = [];
function newFolder(): string {
  folders.push(mkdtempSync(join(tmpdir(), "evenkeel-listener-")));
  return folders.at(-1)!;
}
const listeners: HttpListener[] = [];
afterEach(() => {
  for (const listener of listeners.splice(0)) {
    listener.stop();
    listener.cut();
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A listener whose answer is the client's address as a filter sees it. */
function listenerOf(limits: object = {}) {
  const context = testWorker();
  const filter = {
    kind: "filter" as const,
    name: "who",
    summary: "",
    schema: {},
    create: () => ({ onRequestHead: ({ client }: { client: string }) => ({ status: 200, body: client }) }),
  };
  const routes = [{ pool: "web", filters: ["who"] }];
  const own = { algorithms: [], filters: [filter] };
  const plan = planOf(webConfig(["127.0.0.1:1"], {}, { routes, limits }), context, own).listeners.get("web")!;
  const listener = new HttpListener(plan, context, new ExchangePool(context));
  listeners.push(listener);
  return { listener, context };
}

/** Asks on a connection of its own and returns all that came. */
function ask(to: net.NetConnectOpts): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = net.connect(to, () => socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    socket.on("data", (data: Buffer) => (text += data.toString("latin1")));
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
}

describe("HttpListener", () => {
  it.each(["127.0.0.1:0", ":0"])("names IPv4 clients of %s in the plain form", async (address) => {
    const { listener } = listenerOf();
    const port = await listener.listen(address, 0);
    expect(listener.portText).toBe(String(port));
    expect(await ask({ host: "127.0.0.1", port })).toMatch(/\r\n\r\n127\.0\.0\.1$/);
    // The client knows of the end a moment earlier.
    while (listener.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it("listens on a unix socket, whose clients are local", async () => {
    const { listener } = listenerOf();
    const path = join(newFolder(), "web.sock");
    expect(await listener.listen(`unix:${path}`, 0)).toBe(0);
    expect(listener.portText).toBe("");
    expect(await ask({ path })).toMatch(/\r\n\r\n127\.0\.0\.1$/);
    expect(await ask({ path })).toMatch(/^HTTP\/1.1 200 /);
  });

  it("does not take a file away that is no socket, nor a socket that is in use", async () => {
    const place = newFolder();
    const file = join(place, "file");
    writeFileSync(file, "precious");
    await expect(listenerOf().listener.listen(`unix:${file}`, 0)).rejects.toThrow(/cannot listen on unix:/);
    expect(existsSync(file)).toBe(true);
    const path = join(place, "web.sock");
    await listenerOf().listener.listen(`unix:${path}`, 0);
    await expect(listenerOf().listener.listen(`unix:${path}`, 0)).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(await ask({ path })).toMatch(/^HTTP\/1.1 200 /);
  });

  it("takes no connections beyond its limit, nor while it drains", async () => {
    const { listener, context } = listenerOf({ maxConnections: 1 });
    const port = await listener.listen("127.0.0.1:0", 0);
    const first = net.connect(port, "127.0.0.1");
    await new Promise<void>((resolve) => first.once("connect", resolve));
    while (listener.connections === 0) await new Promise((resolve) => setImmediate(resolve));
    const refused = await ask({ host: "127.0.0.1", port }).catch(() => "");
    expect([refused, listener.connections]).toEqual(["", 1]);
    first.destroy();
    while (listener.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await ask({ host: "127.0.0.1", port })).toMatch(/^HTTP\/1.1 200 /);
    context.draining = true;
    expect(await ask({ host: "127.0.0.1", port }).catch(() => "")).toBe("");
  });

  it("says what is wrong with an address", async () => {
    await expect(listenerOf().listener.listen("nonsense", 0)).rejects.toThrow(/^listener web: nonsense: /);
    await expect(listenerOf().listener.listen("192.0.2.1:0", 0)).rejects.toThrow(
      "listener web: cannot listen on 192.0.2.1:0: this machine does not have the address",
    );
  });
});
