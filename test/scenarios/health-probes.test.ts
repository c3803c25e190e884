import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/adapters/system-clock.ts";
import { normaliseConfig } from "../../src/config/normalise.ts";
import { probes } from "../../src/controlplane/health/probes/registry.ts";
import { algorithms } from "../../src/core/balancing/registry.ts";
import type { ProbeResult } from "../../src/core/health/probe.ts";
import { atEnd } from "../support/cleanup.ts";
import {
  freePort,
  initMariadb,
  initPostgresql,
  serverFile,
  singleUser,
  startMariadb,
  startPostgresql,
  startRedis,
} from "../support/databases.ts";
import { missing } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

type Check = { readonly type: string } & Record<string, unknown>;

/** Makes one check of a server on this machine, with settings as they stand in a configuration. */
async function check(healthCheck: Check, port: number): Promise<ProbeResult> {
  const { config, problems } = normaliseConfig(
    {
      listeners: { web: { listen: "127.0.0.1:80", pool: "web" } },
      pools: { web: { servers: [`127.0.0.1:${port}`], healthCheck } },
    },
    { extensions: { algorithms, filters: [], probes } },
  );
  expect(problems).toEqual([]);
  const { type, settings, timeout } = config!.pools.web!.healthCheck[0]!;
  const probe = probes.find(({ name }) => name === type)!;
  return probe.run({ address: { kind: "tcp", host: "127.0.0.1", port }, server: "a", pool: "web" }, settings, {
    timeout,
    signal: AbortSignal.timeout(timeout),
    clock: systemClock,
  });
}

/** Waits until the check says that the server is healthy. */
const waitUntilHealthy = (given: Check, port: number): Promise<unknown> =>
  waitFor(`${given.type} on ${port}`, async () => (await check(given, port)).outcome === "healthy", 30_000);

const summary = ({ outcome, reason, details }: ProbeResult): unknown[] => [outcome, reason ?? details];

describe.skipIf(missing("redis-server", "health checks of Redis"))("Redis", () => {
  it("answers PING, tells its role, and wants the right login", async () => {
    const port = await freePort();
    startRedis(port, "--requirepass", "pass", "--user", "check", "on", ">secret", "-@all", "+ping", "+role");
    await waitUntilHealthy({ type: "redis" }, port);
    expect(summary(await check({ type: "redis" }, port))).toEqual(["healthy", { login: "required" }]);
    const login = { type: "redis", user: "check", password: "secret" };
    expect(await check(login, port)).toMatchObject({ outcome: "healthy" });
    expect(await check({ type: "redis", password: "pass" }, port)).toMatchObject({ outcome: "healthy" });
    expect(summary(await check({ ...login, role: "master" }, port))).toEqual(["healthy", { role: "master" }]);
    expect((await check({ ...login, role: "replica" }, port)).reason).toBe("role master, expected replica");
    expect((await check({ ...login, password: "wrong" }, port)).reason).toMatch(/^login refused: WRONGPASS/);
  });

  it("says as a replica whether it has its master", async () => {
    const [master, replica] = [await freePort(), await freePort()];
    const first = startRedis(master);
    startRedis(replica, "--replicaof", "127.0.0.1", String(master), "--repl-diskless-sync-delay", "0");
    await waitUntilHealthy({ type: "redis", role: "replica" }, replica);
    await first.stop();
    const alone = await waitFor("the loss of the master", async () => {
      const result = await check({ type: "redis", role: "replica" }, replica);
      return result.outcome === "degraded" && result;
    });
    expect(alone.reason).toMatch(/^not connected to its master \(\w+\)$/);
    expect(await check({ type: "redis" }, master)).toMatchObject({ reason: "connection refused", unreachable: true });
  });
});

/** Makes a role whose password is stored in that way. */
function roleStatement(method: string, name: string): string {
  return `set password_encryption = '${method}'; create role ${name} login password 'secret';\n`;
}

describe.skipIf(missing("initdb", "health checks of PostgreSQL"))("PostgreSQL", () => {
  it("is asked as it is configured, and tells its role", { timeout: 60_000 }, async () => {
    const data = initPostgresql();
    serverFile(
      data,
      "pg_hba.conf",
      "host all md5 all md5\nhost all plain all password\nhost all all all scram-sha-256\n",
    );
    singleUser(data, roleStatement("md5", "md5") + roleStatement("scram-sha-256", "plain"));
    const port = await freePort();
    const server = startPostgresql(data, port, "max_connections=5", "superuser_reserved_connections=0");
    await waitUntilHealthy({ type: "postgresql" }, port);
    expect(summary(await check({ type: "postgresql" }, port))).toEqual(["healthy", { login: "required" }]);
    for (const user of ["admin", "md5", "plain"]) {
      const login = { type: "postgresql", user, password: "secret" };
      expect(await check(login, port), user).toMatchObject({ outcome: "healthy" });
      expect(summary(await check({ ...login, role: "primary" }, port))).toEqual(["healthy", { role: "primary" }]);
      expect((await check({ ...login, role: "replica" }, port)).reason).toBe("role primary, expected replica");
      expect((await check({ ...login, password: "wrong" }, port)).reason).toMatch(/^login refused: .*\(28P01\)$/);
      expect((await check({ ...login, database: "none" }, port)).reason).toMatch(/^login refused: .*\(3D000\)$/);
    }
    expect(server.output()).not.toMatch(/invalid|unexpected|incomplete/i);
    await server.stop();
    expect(await check({ type: "postgresql" }, port)).toMatchObject({
      reason: "connection refused",
      unreachable: true,
    });

    // The same cluster as a standby, first closed to queries, then open to them.
    serverFile(data, "standby.signal", "");
    const closed = startPostgresql(data, port, "hot_standby=off");
    const starting = await waitFor("a standby that refuses", async () => {
      const result = await check({ type: "postgresql" }, port);
      return result.unreachable !== true && result;
    });
    expect(starting.outcome).toBe("unhealthy");
    expect(starting.reason).toMatch(/\(57P03\)$/);
    await closed.stop();
    startPostgresql(data, port, "max_connections=5");
    const login = { type: "postgresql", user: "admin", password: "secret", role: "replica" };
    await waitUntilHealthy(login, port);
    expect((await check({ ...login, role: "primary" }, port)).reason).toBe("role replica, expected primary");
  });
});

describe.skipIf(missing("mariadbd", "health checks of MariaDB"))("MariaDB", () => {
  it("is asked without leaving broken connections, and tells its role", { timeout: 90_000 }, async () => {
    const data = initMariadb();
    const port = await freePort();
    const statements = "create or replace user 'check'@'%' identified by 'secret';\n";
    const server = startMariadb(data, port, statements, "--max-connections=10", "--log-warnings=4");
    await waitUntilHealthy({ type: "mysql" }, port);
    const before = server.output().length;
    expect(summary(await check({ type: "mysql" }, port))).toEqual([
      "healthy",
      { version: expect.stringMatching(/MariaDB/) as string, login: "required" },
    ]);
    const login = { type: "mysql", user: "check", password: "secret" };
    expect(await check(login, port)).toMatchObject({ outcome: "healthy" });
    expect(await check({ ...login, role: "primary" }, port)).toMatchObject({
      outcome: "healthy",
      details: { role: "primary" },
    });
    expect((await check({ ...login, role: "replica" }, port)).reason).toBe("role primary, expected replica");
    expect((await check({ ...login, password: "wrong" }, port)).reason).toMatch(/^login refused: .*\(1045\)$/);
    // A refused login is noted; a connection that breaks off would be noted as "Aborted connection".
    const notes = (): string => server.output().slice(before);
    await waitFor("a note of both refusals", () => notes().split("Access denied").length > 2);
    expect(notes()).not.toMatch(/Aborted connection|unauthenticated|Got an error reading/i);

    const held: Socket[] = [];
    atEnd(() => held.forEach((socket) => socket.destroy()));
    for (let index = 0; index < 11; index++) held.push(connect(port, "127.0.0.1").on("error", () => undefined));
    const full = await waitFor("a full server", async () => {
      const result = await check({ type: "mysql" }, port);
      return result.outcome === "unhealthy" && result;
    });
    expect(full.reason).toBe("Too many connections (1040)");
    for (const socket of held) socket.destroy();
    await server.stop();
    expect(await check({ type: "mysql" }, port)).toMatchObject({ reason: "connection refused", unreachable: true });

    startMariadb(data, port, statements, "--read-only=1");
    await waitUntilHealthy({ ...login, role: "replica" }, port);
    expect((await check({ ...login, role: "primary" }, port)).reason).toBe("role replica, expected primary");
  });
});
