import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { atEnd } from "../../support/cleanup.ts";
import type { Evenkeel } from "../../support/evenkeel.ts";
import { startProxy } from "../../support/proxy.ts";
import { exchange } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const healthCheck = { type: "tcp", interval: 50, unhealthyInterval: 50, unknownInterval: 50, timeout: 50, jitter: 0 };

const folder = join(tmpdir(), `evenkeel-store-${process.pid}`);
mkdirSync(folder);
atEnd(() => execFileSync("rm", ["-rf", folder]));

/** What is wrong with the file of the database; each makes it so and returns its path. */
const places: Readonly<Record<string, () => string>> = {
  "another program keeps it locked": () => {
    const path = join(folder, "locked.db");
    const other = new DatabaseSync(path);
    other.exec("create table x (y); begin exclusive");
    atEnd(() => other.close());
    return path;
  },
  "it is a directory": () => {
    mkdirSync(join(folder, "directory.db"));
    return join(folder, "directory.db");
  },
  "the disk is full": () => {
    symlinkSync("/dev/full", join(folder, "full.db"));
    return join(folder, "full.db");
  },
  "it is a pipe": () => {
    execFileSync("mkfifo", [join(folder, "pipe.db")]);
    return join(folder, "pipe.db");
  },
  "it may not be written": () => {
    const path = join(folder, "readonly.db");
    new DatabaseSync(path).close();
    chmodSync(path, 0o444);
    mkdirSync(`${path}-wal`);
    return path;
  },
};

async function checksGoOn(evenkeel: Evenkeel, server: string): Promise<void> {
  const last = async () => {
    const view = (await evenkeel.admin(`/api/v2/servers/${server}`)) as {
      servers: { health: { checks: { lastCheckAt: string | null }[] } }[];
    };
    return view.servers[0].health.checks[0].lastCheckAt;
  };
  const before = await last();
  await waitFor("a further check", async () => (await last()) !== before);
}

it.each(Object.entries(places))("traffic and checks go on when the history cannot be stored: %s", async (_, place) => {
  const path = place();
  const origin = await startRawOrigin();
  const evenkeel = await startProxy([origin.address], { pool: { healthCheck }, top: { store: `sqlite:${path}` } });
  const complaints = () => evenkeel.log.filter((line) => /cannot be stored/.test(line));
  await waitFor("a complaint", () => complaints().length > 0);
  await checksGoOn(evenkeel, origin.address);
  expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
  expect(await evenkeel.admin(`/api/v2/servers/${origin.address}/health`)).toMatchObject({
    servers: [{ id: origin.address }],
  });
  await checksGoOn(evenkeel, origin.address);
  expect(complaints()).toHaveLength(1);
  evenkeel.signal("SIGTERM");
  expect(await evenkeel.exited).toBe(0);
});
