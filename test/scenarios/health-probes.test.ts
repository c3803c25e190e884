import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/adapters/system-clock.ts";
import { normaliseConfig } from "../../src/config/normalise.ts";
import { probes } from "../../src/controlplane/health/probes/registry.ts";
import { algorithms } from "../../src/core/balancing/registry.ts";
import type { ProbeResult } from "../../src/core/health/probe.ts";
import { authority, certificate, key } from "../../src/controlplane/health/probes/certificate.fixture.ts";
import { atEnd } from "../support/cleanup.ts";
import {
  initMariadb,
  initPostgresql,
  serverFile,
  serverFolder,
  singleUser,
  startMariadb,
  startPostgresql,
  startRedis,
} from "../support/databases.ts";
import { freePort, startNginx, startPython } from "../support/origins.ts";
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

describe.skipIf(missing("nginx", "health checks of nginx"))("nginx", () => {
  it("answers over HTTP and HTTPS", async () => {
    const folder = serverFolder();
    const securePort = await freePort();
    const nginx = await startNginx(
      { "health.json": '{"status":"ok","cpu_usage":42,"checks":{"db":"up"}}', "big.txt": `${"x".repeat(200_000)}end` },
      `listen 127.0.0.1:${securePort} ssl; ssl_protocols TLSv1.2; ssl_certificate ${serverFile(folder, "a.pem", certificate)};
       ssl_certificate_key ${serverFile(folder, "a.key", key)}; types { application/json json; }
       location = /moved { return 302 /; } location = /broken { return 500; } location = /cut { return 444; }`,
    );
    const json = { path: "/health.json", json: ['checks.db == "up"', "cpu_usage <= 95"], utilisation: "cpu_usage" };
    expect(await check({ type: "http", ...json }, nginx.port)).toMatchObject({ outcome: "healthy", utilisation: 0.42 });
    const found = await check({ type: "https", ca: authority, ...json }, securePort);
    expect(found).toMatchObject({
      outcome: "healthy",
      utilisation: 0.42,
      details: { status: 200, protocol: "TLSv1.2" },
    });
    expect(await check({ type: "tls", ca: authority, minimumValidity: 0 }, securePort)).toMatchObject({
      outcome: "healthy",
    });
    const head = { type: "http", method: "HEAD", path: "/big.txt" };
    expect(await check(head, nginx.port)).toMatchObject({ outcome: "healthy" });
    expect(await check({ type: "http", path: "/moved" }, nginx.port)).toMatchObject({ outcome: "healthy" });
    const reasons = [
      [{ type: "http", path: "/none" }, "status 404, expected 200-399"],
      [{ type: "http", path: "/broken" }, "status 500, expected 200-399"],
      [{ type: "http", path: "/cut" }, "the server closed the connection without an answer"],
      [{ type: "http", path: "/big.txt", body: "end" }, 'the first 65536 bytes of the body do not hold "end"'],
      [{ type: "http" }, "status 400, expected 200-399"],
    ] as const;
    for (const [given, reason] of reasons) {
      const port = Object.keys(given).length === 1 ? securePort : nginx.port;
      expect([given, (await check(given, port)).reason]).toEqual([given, reason]);
    }
    expect((await check({ type: "https" }, securePort)).reason).toContain(
      "its authority is not among the trusted ones",
    );
  });
});

describe.skipIf(missing("python3", "health checks of Python's server"))("Python's server, HTTP/1.0", () => {
  it("ends its answers with the connection", async () => {
    const python = await startPython({ "health.txt": "all is well\n" });
    const given = { type: "http", path: "/health.txt", bodyPattern: "^all .* well$" };
    expect((await check(given, python.port)).reason).toBe("the body does not match ^all .* well$");
    expect(await check({ ...given, bodyPattern: "^all .* well\\n$" }, python.port)).toMatchObject({
      outcome: "healthy",
    });
  });
});

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
