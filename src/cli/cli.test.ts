import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runEvenkeel, startCommand, startEvenkeel } from "../../test/support/evenkeel.ts";

const origin = createServer((_request, response) => response.end("hello"));
let server: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  server = `127.0.0.1:${(origin.address() as AddressInfo).port}`;
});
afterAll(() => {
  origin.closeAllConnections();
  origin.close();
});

describe("usage errors end with 64 and say what is meant", () => {
  it.each<[string, string[], RegExp]>([
    ["unknown command", ["rnu"], /unknown command 'rnu'[^]*run/],
    ["help for an unknown command", ["help", "rnu"], /unknown command 'rnu'/],
    [
      "REST interface for others without a token",
      ["proxy", "--listen", ":0", "--server", "x:1", "--admin", "0.0.0.0:0"],
      /--admin: a token is required.*EVENKEEL_TOKEN/,
    ],
    ["address of the REST interface", ["status", "--admin", ""], /--admin: "" is no address/],
    ["unknown option", ["run", "--confg", "x"], /unknown option '--confg'[^]*--config/],
    ["no command", [], /Usage: evenkeel/],
    ["missing option", ["proxy", "--listen", ":0"], /--server/],
    ["bad address", ["proxy", "--listen", ":0", "--server", "x"], /--server: .*port is missing/],
    [
      "unknown algorithm",
      ["proxy", "--listen", ":0", "--server", "x:1", "--algorithm", "round_robbin"],
      /--algorithm.*round_robin/,
    ],
    ["tcp", ["proxy", "--listen", ":0", "--server", "x:1", "--protocol", "tcp"], /not available in this version yet/],
    ["tls", ["proxy", "--listen", ":0", "--server", "x:1", "--tls-cert", "a"], /only possible together/],
    ["bad duration", ["demo", "--duration", "soon"], /--duration soon/],
  ])("%s", async (_what, args, message) => {
    const { code, stdout, stderr } = await runEvenkeel(args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([64, ""]);
  });
});

it("prints help and version to standard output with 0", async () => {
  const help = await runEvenkeel(["--help"]);
  expect(help.code).toBe(0);
  for (const name of ["run", "proxy", "demo", "check", "init", "schema", "status", "servers", "reload", "completion"]) {
    expect(help.stdout).toMatch(new RegExp(`^  ${name} `, "m"));
  }
  expect((await runEvenkeel(["help", "run"])).stdout).toContain("--config");
  expect((await runEvenkeel(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it("status says that what it reached is not the REST interface", async () => {
  const { code, stderr } = await runEvenkeel(["status", "--admin", server]);
  expect(stderr).toContain(`what listens at ${server} is not Evenkeel's REST interface`);
  expect(code).toBe(1);
});

it("run without a configuration ends with 78", async () => {
  const { code, stderr } = await runEvenkeel(["run"], { cwd: "/" });
  expect(stderr).toContain("evenkeel.yaml");
  expect(code).toBe(78);
});

it("proxy balances without a file, and status and servers show it", async () => {
  const evenkeel = await startCommand([
    "proxy",
    "--listen",
    "127.0.0.1:0",
    "--server",
    server,
    "--admin",
    "127.0.0.1:0",
    "--workers",
    "1",
  ]);
  expect(await (await fetch(evenkeel.url())).text()).toBe("hello");
  const admin = ["--admin", evenkeel.url("admin")];
  const status = await runEvenkeel(["status", ...admin]);
  expect(status.stdout).toMatch(/, ready, .*configuration 1\n1 requests/);
  const servers = await runEvenkeel(["servers", ...admin]);
  expect(servers.stdout).toMatch(new RegExp(`web +${server} +up +1 +0 +\\d+ +1 +0 `));
  const json = await runEvenkeel(["servers", "--json", "--pool", "web", ...admin]);
  expect(JSON.parse(json.stdout)).toMatchObject({ servers: [{ id: server, requests: 1 }] });
  expect((await runEvenkeel(["reload", ...admin])).stderr).toMatch(/409/);
});

it("proxy can do without the REST interface", async () => {
  const evenkeel = await startCommand(["proxy", "--listen", "127.0.0.1:0", "--server", server, "--admin", "off"]);
  expect(Object.keys(evenkeel.urls)).toEqual(["web"]);
  const { code, stderr } = await runEvenkeel(["status", "--admin", "127.0.0.1:1"]);
  expect([code, stderr]).toEqual([1, "evenkeel: cannot reach the balancer at 127.0.0.1:1: nothing listens there\n"]);
});

it("reload says what has changed, and what is wrong with 78; the token comes from the environment", async () => {
  const token = "a-token-of-some-length";
  const config = (more: object) => ({
    admin: { listen: "127.0.0.1:0", token },
    listeners: { web: { listen: "127.0.0.1:0", pool: "p" } },
    pools: { p: { servers: [server] } },
    ...more,
  });
  const evenkeel = await startEvenkeel({ config: config({}), args: ["--no-watch"] });
  const admin = ["--admin", evenkeel.url("admin")];
  const env = { EVENKEEL_TOKEN: token };
  expect((await runEvenkeel(["reload", ...admin])).stderr).toMatch(/401/);
  evenkeel.writeConfig(config({ drainTimeout: "9s" }));
  expect((await runEvenkeel(["reload", ...admin], { env })).stdout).toMatch(
    /^applied: configuration 2\n.*drainTimeout/,
  );
  evenkeel.writeConfig(config({ drainTimeot: "9s" }));
  const bad = await runEvenkeel(["reload", ...admin], { env });
  expect(bad.stderr).toMatch(/kept the old configuration:[^]*drainTimeout/);
  expect(bad.code).toBe(78);
});

it("demo starts three servers that answer in turn, and ends by itself", async () => {
  const evenkeel = await startCommand([
    "demo",
    "--listen",
    "127.0.0.1:0",
    "--admin",
    "127.0.0.1:0",
    "--duration",
    "5s",
  ]);
  const answers = [];
  for (let i = 0; i < 3; i++) answers.push((await (await fetch(evenkeel.url())).json()) as { server: string });
  expect(new Set(answers.map((answer) => answer.server)).size).toBeGreaterThan(1);
  const page = await fetch(evenkeel.url(), { headers: { accept: "text/html" } });
  expect(await page.text()).toMatch(/<h1>(amber|teal|violet)<\/h1>/);
  await evenkeel.waitForLog(/curl http:\/\/127/);
  expect(await evenkeel.exited).toBe(0);
});

it("completion prints scripts that know commands and options", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await runEvenkeel(["completion", shell]);
    expect(code).toBe(0);
    for (const word of ["proxy", "reload", "algorithm", "duration"]) expect(stdout).toContain(word);
  }
});
