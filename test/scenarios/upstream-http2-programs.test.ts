import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { certificateFiles, TestAuthority, type CertificateFiles } from "../support/certificates.ts";
import { atEnd } from "../support/cleanup.ts";
import { Load } from "../support/load.ts";
import { freePort, startNginx, startNodeOrigin } from "../support/origins.ts";
import { digest, payloadBytes, payloadHash } from "../support/payload.ts";
import { serverCounters, startProxy } from "../support/proxy.ts";
import { missing, tool, type Tool } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

/* HTTP/2 to the servers that others wrote. */

const SIZE = 3_000_000;
const GET = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
let files: CertificateFiles;

beforeAll(async () => {
  files = certificateFiles(await (await TestAuthority.create()).issue({ names: ["127.0.0.1"] }));
});

/** Starts a program that listens on the port, and ends it with the test. */
async function startProgram(name: Tool, args: readonly string[], port: number): Promise<void> {
  const child = spawn(tool(name), args, { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  atEnd(() => {
    child.kill("SIGKILL");
    return ended;
  });
  await waitFor(`${name} to listen`, () => {
    const socket = connect(port, "127.0.0.1");
    return new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    }).finally(() => socket.destroy());
  });
}

function folderWith(contents: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-http2-"));
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, name), content);
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const content = () => ({ a: "hello", big: payloadBytes(SIZE) });

/** Small and big answers, one by one and many at a time. */
async function download(url: string): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      i % 3 === 0
        ? fetch(`${url}/big`).then(({ body }) => digest(body!).then(({ sha256 }) => sha256))
        : fetch(`${url}/a`).then((response) => response.text()),
    ),
  );
  const expected = payloadHash(SIZE);
  expect(answers).toEqual(answers.map((_, i) => (i % 3 === 0 ? expected : "hello")));
  const head = await fetch(`${url}/big`, { method: "HEAD" });
  expect(head.headers.get("content-length")).toBe(String(SIZE));
  expect((await fetch(`${url}/missing`)).status).toBe(404);
}

describe.skipIf(missing("nghttpd", "HTTP/2 to nghttpd"))("nghttpd", () => {
  it("in the clear, few streams at a time", async () => {
    const port = await freePort();
    await startProgram("nghttpd", ["-d", folderWith(content()), "--no-tls", "-m", "3", String(port)], port);
    const evenkeel = await startProxy([`127.0.0.1:${port}`], { upstream: { protocol: "h2c" } });
    await download(evenkeel.url());
  });

  it("over TLS, with small windows and tables", async () => {
    const port = await freePort();
    const args = [
      "-d",
      folderWith(content()),
      "-w",
      "14",
      "-W",
      "14",
      "-c",
      "256",
      String(port),
      files.key,
      files.cert,
    ];
    await startProgram("nghttpd", args, port);
    const evenkeel = await startProxy([`127.0.0.1:${port}`], {
      upstream: { protocol: "http2", tls: { ca: [files.ca] } },
    });
    await download(evenkeel.url());
  });

  it("echoes big uploads, and trailers", async () => {
    const port = await freePort();
    const args = ["--no-tls", "--echo-upload", "--trailer=x-end: 1", String(port)];
    await startProgram("nghttpd", args, port);
    const evenkeel = await startProxy([`127.0.0.1:${port}`], { upstream: { protocol: "h2c" } });
    const response = await fetch(`${evenkeel.url()}/`, { method: "POST", body: payloadBytes(SIZE) });
    expect(await digest(response.body!)).toEqual({ length: SIZE, sha256: payloadHash(SIZE) });
  });
});

describe.skipIf(missing("nginx", "HTTP/2 to nginx"))("nginx", () => {
  it("in the clear", async () => {
    const origin = await startNginx(content(), "", "http2");
    const evenkeel = await startProxy([origin.address], { upstream: { protocol: "h2c" } });
    await download(evenkeel.url());
    expect((await serverCounters(evenkeel))[0].connections).toBe(1);
  });

  it("that ends its connections after a number of requests costs none of them", { timeout: 30_000 }, async () => {
    const origin = await startNginx({ a: "hello" }, "keepalive_requests 20;", "http2");
    const evenkeel = await startProxy([origin.address], { upstream: { protocol: "h2c" } });
    const load = new Load(evenkeel.port(), { clients: 16, request: () => GET });
    await waitFor("2000 answers", () => load.served >= 2000, 25_000);
    await load.stop();
    expect(load.failures).toEqual([]);
  });

  it("that is reloaded costs no request", { timeout: 30_000 }, async () => {
    const origin = await startNginx({ a: "hello" }, "", "http2");
    const evenkeel = await startProxy([origin.address], { upstream: { protocol: "h2c" } });
    const load = new Load(evenkeel.port(), { clients: 8, request: () => GET });
    for (let i = 1; i <= 3; i++) {
      await waitFor("answers", () => load.served >= i * 300, 10_000);
      origin.process.kill("SIGHUP");
    }
    await waitFor("answers", () => load.served >= 1500, 10_000);
    await load.stop();
    expect(load.failures).toEqual([]);
  });
});

describe.skipIf(missing("haproxy", "HTTP/2 to HAProxy"))("HAProxy in front of a server", () => {
  it.each([
    ["in the clear", "proto h2", { protocol: "h2c" }],
    ["over TLS", "ssl crt FILE alpn h2", { protocol: "http2", tls: { ca: ["CA"] } }],
    ["as the handshake says", "ssl crt FILE alpn h2,http/1.1", { protocol: "auto", tls: { ca: ["CA"] } }],
  ])("%s", async (_, bind, upstream) => {
    const origin = await startNodeOrigin();
    const port = await freePort();
    const folder = folderWith({ "both.pem": readFileSync(files.cert, "utf8") + readFileSync(files.key, "utf8") });
    writeFileSync(
      join(folder, "haproxy.cfg"),
      `global
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend f
  bind 127.0.0.1:${port} ${bind.replace("FILE", join(folder, "both.pem"))}
  default_backend b
backend b
  server s ${origin.address}
`,
    );
    await startProgram("haproxy", ["-f", join(folder, "haproxy.cfg")], port);
    const tls = "tls" in upstream ? { tls: { ca: [files.ca] } } : {};
    const evenkeel = await startProxy([`127.0.0.1:${port}`], { upstream: { ...upstream, ...tls } });
    const down = await digest((await fetch(`${evenkeel.url()}/bytes/${SIZE}?chunked`)).body!);
    expect(down).toEqual({ length: SIZE, sha256: payloadHash(SIZE) });
    const up = await fetch(`${evenkeel.url()}/x`, { method: "POST", body: payloadBytes(SIZE) });
    expect(await up.json()).toMatchObject({ body: { sha256: payloadHash(SIZE) } });
    await Promise.all(Array.from({ length: 30 }, () => fetch(`${evenkeel.url()}/slow/50`).then((r) => r.text())));
    expect((await serverCounters(evenkeel))[0]).toMatchObject({ connections: 1, errors: 0 });
  });
});
