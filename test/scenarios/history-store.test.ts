import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { atEnd } from "../support/cleanup.ts";
import type { Evenkeel } from "../support/evenkeel.ts";
import { startProxy } from "../support/proxy.ts";
import { exchange } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

interface Result {
  readonly at: string;
  readonly check: string;
  readonly outcome: string;
}

const plain = (results: readonly Result[]) => results.map(({ at, check, outcome }) => `${at} ${check} ${outcome}`);

async function history(evenkeel: Evenkeel, server: string): Promise<Result[]> {
  const view = (await evenkeel.admin(`/api/v2/servers/${encodeURIComponent(server)}/health`)) as {
    servers: { history: Result[] }[];
  };
  return view.servers[0]!.history;
}

const healthCheck = { type: "tcp", interval: 50, unhealthyInterval: 50, unknownInterval: 50, timeout: 50, jitter: 0 };

it("the history of health checks outlives the process", async () => {
  const file = join(tmpdir(), `evenkeel-history-${process.pid}.db`);
  atEnd(() => ["", "-wal", "-shm"].forEach((end) => rmSync(file + end, { force: true })));
  const origin = await startRawOrigin();
  const { address } = origin;
  const options = { pool: { healthCheck }, top: { store: `sqlite:${file}` } };
  const first = await startProxy([address], options);
  const before = await waitFor("some results", async () => {
    const results = await history(first, address);
    return results.length >= 10 && results;
  });
  first.signal("SIGTERM");
  expect(await first.exited).toBe(0);
  await origin.stop();
  const second = await startProxy([address], options);
  const later = await waitFor("a result of the second process", async () => {
    const results = await history(second, address);
    return results.some(({ outcome }) => outcome === "unhealthy") && results;
  });
  expect(plain(later).slice(0, before.length)).toEqual(plain(before));
});

it("a store that is no database is said once, and checks and traffic go on; its name starts at the configuration", async () => {
  const origin = await startRawOrigin();
  const evenkeel = await startProxy([origin.address], {
    pool: { healthCheck },
    top: { store: "sqlite:history.db" },
    files: { "history.db": "not a database, whatever its name may say\n".repeat(100) },
  });
  await evenkeel.waitForLog(/cannot be stored, checks go on: .*history\.db: it is not an SQLite database/);
  const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  expect((await exchange(evenkeel.port(), request)).status).toBe(200);
  await waitFor("results in memory", async () => (await history(evenkeel, origin.address)).length >= 30);
  expect(evenkeel.log.filter((line) => /cannot be stored/.test(line))).toHaveLength(1);
  rmSync(join(evenkeel.folder, "history.db"));
  await evenkeel.waitForLog(/is stored again/);
  expect(existsSync(join(evenkeel.folder, "history.db"))).toBe(true);
});
