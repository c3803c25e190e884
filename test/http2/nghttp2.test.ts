import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missing, tool } from "../support/tools.ts";
import { ourClient, ourServer } from "./support/exchange-peers.ts";
import { listen } from "./support/socket-peer.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "evenkeel-nghttp2-"));
const upload = join(folder, "upload");
const sha1 = (bytes: Buffer): string => createHash("sha1").update(bytes).digest("hex");
const content = Buffer.alloc(150_000, "uploaded ");
const page = Buffer.alloc(120_000, "served ");

beforeAll(() => {
  writeFileSync(upload, content);
  writeFileSync(join(folder, "exchange"), page);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const generous = { streamWindow: 262_144, connectionWindow: 1_048_576 };
const small = { streamWindow: 1000, connectionWindow: 65_535, headerTableSize: 0 };

describe.skipIf(missing("nghttp", "HTTP/2 against nghttp"))("server against nghttp", () => {
  it.each([
    ["plain", generous, []],
    ["padding, a small window, no table", generous, ["-b", "255", "-w", "8", "-c", "0"]],
    ["small windows of the server", small, ["-b", "17"]],
  ])("%s", async (_name, options, flags) => {
    const server = await ourServer(options);
    try {
      const url = `http://127.0.0.1:${server.port}/exchange`;
      const { stdout } = await run(
        tool("nghttp"),
        ["-v", "-n", "-m", "10", "-d", upload, "--trailer", "x-sum: 7", "-H", "x-answer: 70000 1 -1", ...flags, url],
        { maxBuffer: 1 << 26 },
      );
      const received = (text: RegExp): number => stdout.match(text)?.length ?? 0;
      expect(received(/:status: 200/g)).toBe(10);
      expect(received(new RegExp(`x-body: ${sha1(content)}`, "g"))).toBe(10);
      expect(received(/x-trailers: \[\["x-sum","7"\]\]/g)).toBe(10);
      expect(received(/x-end: 1/g)).toBe(10);
      expect(stdout).not.toContain("RST_STREAM");
      // The only GOAWAY is nghttp's own at the end.
      expect(stdout.match(/GOAWAY frame.*\n.*error_code=(?!NO_ERROR)/g)).toBeNull();
    } finally {
      server.close();
    }
  });
});

describe.skipIf(missing("h2load", "HTTP/2 against h2load"))("server against h2load", () => {
  it.each([
    ["many streams", ["-n", "4000", "-c", "4", "-m", "100"]],
    ["uploads", ["-n", "200", "-c", "2", "-m", "20", "-d", upload]],
    ["small windows of the client", ["-n", "300", "-c", "2", "-m", "50", "-w", "9", "-W", "10"]],
  ])("%s", async (_name, flags) => {
    const server = await ourServer(generous);
    try {
      const url = `http://127.0.0.1:${server.port}/exchange`;
      const { stdout } = await run(tool("h2load"), [...flags, "-H", "x-answer: 3000 0 -1", url]);
      const count = flags[1];
      expect(stdout).toContain(`${count} done, ${count} succeeded, 0 failed, 0 errored, 0 timeout`);
      expect(stdout).toContain(`${count} 2xx`);
    } finally {
      server.close();
    }
  });
});

/** A port that was free a moment ago: nghttpd cannot tell which one it has chosen. */
async function freePort(): Promise<number> {
  const server = net.createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function nghttpd(flags: readonly string[]): Promise<{ port: number; close(): void }> {
  const port = await freePort();
  const child = spawn(tool("nghttpd"), ["--no-tls", "-d", folder, ...flags, String(port)], { stdio: "ignore" });
  for (let attempt = 0; child.exitCode === null; attempt++) {
    const socket = net.connect(port, "127.0.0.1");
    const connected = await new Promise((resolve) =>
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
    );
    socket.destroy();
    if (connected === true) break;
    if (attempt > 20_000) throw new Error("nghttpd does not listen");
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { port, close: () => child.kill() };
}

describe.skipIf(missing("nghttpd", "HTTP/2 against nghttpd"))("client against nghttpd", () => {
  it.each([
    ["plain", generous, []],
    ["padding, small windows, few streams", generous, ["-b", "255", "-w", "8", "-m", "3", "-c", "0"]],
    ["small windows of the client", small, ["-b", "99"]],
  ])("%s", async (_name, options, flags) => {
    for (const echo of [false, true]) {
      const server = await nghttpd([...flags, "--trailer", "x-end: 1", ...(echo ? ["--echo-upload"] : [])]);
      const client = await ourClient(server.port, options);
      try {
        const body = echo ? content : Buffer.alloc(0);
        const answers = await Promise.all(
          Array.from({ length: 20 }, () =>
            client.ask({ headers: {}, body, trailers: {}, answerLength: 0, answerTrailers: false, reset: -1 }),
          ),
        );
        for (const answer of answers) {
          expect(answer.error).toBe("");
          expect(answer.status).toBe("200");
          expect(answer.body).toBe(sha1(echo ? content : page));
          expect(answer.trailers).toEqual({ "x-end": "1" });
        }
      } finally {
        client.close();
        server.close();
      }
    }
  });
});
