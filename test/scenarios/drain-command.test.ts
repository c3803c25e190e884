import { describe, expect, it } from "vitest";
import { startChatOrigin } from "../support/chat-origin.ts";
import { runEvenkeel } from "../support/evenkeel.ts";
import { startProxy } from "../support/proxy.ts";
import { RawClient } from "../support/raw-client.ts";
import { onlyOne, twoServers } from "../support/two-servers.ts";
import { waitFor } from "../support/wait.ts";

const HELD = "GET /held HTTP/1.1\r\nHost: a\r\n\r\n";

describe("evenkeel drain", () => {
  it("waits until the server has finished, or says that the time was over", async () => {
    const { one, two, evenkeel } = await twoServers();
    const slow = await onlyOne(evenkeel, two, async () => {
      const client = await RawClient.connect(evenkeel.port());
      await client.send(HELD);
      await waitFor("the held request", () => one.held.length === 1);
      return client;
    });
    const admin = ["--admin", evenkeel.url("admin")];
    const late = await runEvenkeel(["drain", one.address, "--timeout", "400ms", "--wait", ...admin]);
    expect(late.stderr).toMatch(/: draining, 1 in flight, closed in 0\.4 s at the latest\n1 in flight, 0\.\d s left\n/);
    expect([late.code, late.stdout]).toEqual([1, "the time is over: what was left is closed\n"]);
    await waitFor("the retry on the other server", () => two.held.length === 1);
    two.held[0].end("ok");
    expect((await slow.response()).status).toBe(200);
    expect((await runEvenkeel(["resume", one.address, ...admin])).stdout).toMatch(/: up, 0 in flight\n$/);

    const again = await runEvenkeel(["drain", one.address, "--pool", "web", "--wait", "--json", ...admin]);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ result: "drained", server: { id: one.address } });
    const idle = await runEvenkeel(["drain", one.address, "--timeout", "0", "--wait", ...admin]);
    expect([idle.code, idle.stdout]).toEqual([0, "drained\n"]);
    const down = await runEvenkeel(["force", two.address, "down", ...admin]);
    expect(down.stderr).toBe(`warning: pool web: no server takes new work without ${two.address}\n`);
    expect(down.stdout).toMatch(/: down, 0 in flight\n$/);
    expect((await runEvenkeel(["kill", two.address, ...admin])).code).toBe(0);
  });

  it("ends with 64 when it is called wrongly and 1 when there is no such server", async () => {
    const origin = await startChatOrigin("one");
    const pool = { servers: [origin.address] };
    const evenkeel = await startProxy([origin.address], { top: { pools: { web: pool, api: pool } } });
    const admin = ["--admin", evenkeel.url("admin")];
    const run = async (...args: string[]) => {
      const { code, stderr } = await runEvenkeel([...args, ...admin]);
      return [code, stderr];
    };
    expect(await run("drain", origin.address)).toEqual([
      64,
      `evenkeel: the pools web, api all have a server "${origin.address}": say which one by --pool\n`,
    ]);
    expect(await run("drain", origin.address, "--timeout", "soon")).toEqual([
      64,
      "evenkeel: --timeout soon: must be a duration such as 30s\n",
    ]);
    expect((await run("drain"))[0]).toBe(64);
    expect((await run("force", origin.address, "sideways"))[0]).toBe(64);
    expect(await run("maintenance", "nobody")).toEqual([1, 'evenkeel: 404: There is no server "nobody".\n']);
    expect((await run("drain", origin.address, "--pool", "api"))[0]).toBe(0);
  });
});
