import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { certificateFiles, temporaryFolder, TestAuthority } from "../support/certificates.ts";
import { atEnd } from "../support/cleanup.ts";
import { freePort } from "../support/origins.ts";
import { waitFor, within } from "../support/wait.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What the sample servers answer with. */
interface Answer {
  readonly server: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Program {
  readonly process: ChildProcess;
  readonly stdout: string[];
  readonly stderr: string[];
  readonly ended: Promise<number | string>;
}

function start(args: readonly string[], environment: Record<string, string> = {}): Program {
  const child = spawn(`${root}scripts/node`, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", ...environment },
  });
  const stdout: string[] = [];
  const stderr: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => stdout.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  const ended = new Promise<number | string>((resolve) =>
    child.once("close", (code, signal) => resolve(code ?? signal ?? "")),
  );
  return { process: child, stdout, stderr, ended };
}

/** Runs an example the way its README says, on free ports, and returns the URL of its listener. */
async function runExample(name: string, environment: Record<string, string> = {}): Promise<string> {
  const program = start(["examples/run.ts", name, "--free-ports"], environment);
  let running = true;
  void program.ended.then(() => (running = false));
  atEnd(async () => {
    program.process.kill("SIGTERM");
    expect(await within("the example's end", program.ended)).toBe(0);
  });
  return waitFor(
    "the ready line",
    () => {
      if (!running) throw new Error(`the example ended:\n${program.stderr.join("\n")}`);
      const ready = program.stderr.find((line) => line.startsWith("evenkeel ready:"));
      return ready && /\bweb=(http:\/\/[^\s,/]+)/.exec(ready)?.[1];
    },
    20_000,
  );
}

async function ask(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, { headers });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

async function serversOf(count: number, request: () => Promise<Answer>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let index = 0; index < count; index++) {
    const { server } = await request();
    counts[server] = (counts[server] ?? 0) + 1;
  }
  return counts;
}

describe("examples", () => {
  it("basic: weights, a fixed answer, a redirect and careful fields", async () => {
    const url = await runExample("basic");
    // Exact for each worker; a request may meet either, so only the direction is sure here.
    const counts = await serversOf(60, () => ask(`${url}/hello`));
    expect(Object.keys(counts).toSorted()).toEqual(["origin-1", "origin-2"]);
    expect(counts["origin-1"]).toBeGreaterThan(counts["origin-2"]);

    const ping = await fetch(`${url}/ping`);
    expect([ping.status, await ping.text()]).toEqual([200, "pong"]);
    const moved = await fetch(`${url}/v1/users?page=2`, { redirect: "manual" });
    expect([moved.status, moved.headers.get("location")]).toEqual([308, "/api/users?page=2"]);
    expect((await ask(`${url}/v1/users`)).path).toBe("/api/users");
    expect((await fetch(url)).headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("canary: the split, the testers and those who stay away", async () => {
    const url = await runExample("canary");
    const counts = await serversOf(200, () => ask(url));
    // One in ten on each worker; the last round of a worker may be unfinished.
    expect(counts["origin-3"]).toBeGreaterThanOrEqual(10);
    expect(counts["origin-3"]).toBeLessThanOrEqual(30);
    expect((await ask(url)).headers["x-route"]).toBe("split");
    expect(await serversOf(20, () => ask(url, { "x-canary": "always" }))).toEqual({ "origin-3": 20 });
    expect(await serversOf(40, () => ask(url, { cookie: "a=b; canary=never" }))).not.toHaveProperty("origin-3");
  });

  it("https: TLS with HTTP/2, a redirect to it and security fields", async () => {
    const issued = await (await TestAuthority.create()).issue({ names: ["localhost", "127.0.0.1"] });
    const { cert, key } = certificateFiles(issued);
    const port = await freePort();
    const plain = await runExample("https", { CERT: cert, KEY: key, STORE: temporaryFolder(), HTTPS_PORT: `${port}` });
    const moved = await fetch(`${plain}/hello?a=b`, { redirect: "manual" });
    expect([moved.status, moved.headers.get("location")]).toEqual([307, `https://localhost:${port}/hello?a=b`]);

    const session = connect(`https://localhost:${port}`, {
      ca: issued.root,
      lookup: (_host, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
    });
    atEnd(() => session.destroy());
    const stream = session.request({ ":path": "/hello" });
    const heads = once(stream, "response") as Promise<[IncomingHttpHeaders & IncomingHttpStatusHeader]>;
    const body = await text(stream);
    const [head] = await heads;
    expect(head).toMatchObject({ ":status": 200, "strict-transport-security": "max-age=3600" });
    const { path, headers } = JSON.parse(body) as Answer;
    expect([path, headers["x-forwarded-proto"]]).toEqual(["/hello", "https"]);
    const [stranger] = (await once(
      session.request({ ":path": "/", ":authority": "other.example" }).resume(),
      "response",
    )) as [IncomingHttpStatusHeader];
    expect(stranger[":status"]).toBe(421);
  });

  it("own-algorithm: one server after the other fills up", async () => {
    const url = await runExample("own-algorithm");
    expect(await serversOf(10, () => ask(url))).toEqual({ "origin-1": 10 });
    const together = await Promise.all(Array.from({ length: 5 }, () => ask(`${url}/?delay=1000`)));
    expect(together.map((answer) => answer.server).toSorted()).toEqual([
      "origin-1",
      "origin-1",
      "origin-2",
      "origin-2",
      "origin-3",
    ]);
  });

  it("own-filter: waits for the lookup, answers itself, changes both heads", async () => {
    const url = await runExample("own-filter");
    const refused = await fetch(url, { headers: { "x-user": "root" } });
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="demo"']);
    await refused.text();

    const accepted = await fetch(url, { headers: { authorization: "Bearer alpha-token", "x-user": "root" } });
    expect([accepted.status, accepted.headers.get("x-authenticated-as")]).toEqual([200, "alice"]);
    const { headers } = (await accepted.json()) as Answer;
    expect(headers["x-user"]).toBe("alice");
    expect(headers).not.toHaveProperty("authorization");

    expect((await ask(`${url}/public/logo.png`)).path).toBe("/public/logo.png");
  });

  it("own-health-check: a server that is not who it should be gets nothing", async () => {
    const url = await runExample("own-health-check");
    const counts = await waitFor("the stranger's exclusion", async () => {
      const seen = await serversOf(20, () => ask(url));
      return seen["origin-3"] === undefined && seen;
    });
    expect(Object.keys(counts).toSorted()).toEqual(["origin-1", "origin-2"]);
  });

  it("library: balances, reloads without a restart, drains and ends", async () => {
    const program = start(["--conditions=evenkeel-source", "examples/library/main.ts"]);
    atEnd(() => program.process.kill("SIGKILL"));
    const code = await within("the program's end", program.ended, 20_000);
    expect(program.stderr.join("\n") + code).toBe("0");
    const [listening, ...lines] = program.stdout;
    expect(listening).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+/);
    expect(lines).toEqual([
      'both: {"first":5,"second":5}',
      "reload: applied",
      'second only: {"second":10}',
      "version: 2",
    ]);
  });
});
