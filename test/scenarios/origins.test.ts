import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { startNginx, startNodeOrigin, startPython } from "../support/origins.ts";
import { payloadBytes } from "../support/payload.ts";
import { startCommand } from "../support/evenkeel.ts";
import { startProxy } from "../support/proxy.ts";
import { missing, tool } from "../support/tools.ts";

const run = promisify(execFile);
const BIG = payloadBytes(3_000_001);
const files = { "index.html": "<h1>hello</h1>", "a b/ä.txt": "names", "big.bin": BIG };

/** What curl got: status, body and version. */
async function curl(...args: string[]): Promise<{ status: number; body: Buffer }> {
  const { stdout } = await run(tool("curl"), ["-sS", "--http1.1", "-w", "\n%{http_code}", ...args], {
    encoding: "buffer",
    maxBuffer: 64 * 1_048_576,
  });
  const end = stdout.lastIndexOf("\n");
  return { status: Number(stdout.subarray(end + 1).toString()), body: stdout.subarray(0, end) };
}

const noCurl = missing("curl", "curl through the proxy");

describe.skipIf(noCurl || missing("nginx", "nginx as an origin"))("nginx behind the proxy", () => {
  it("serves files, ranges, HEAD and errors to curl", async () => {
    const origin = await startNginx(files);
    const evenkeel = await startProxy([origin.address]);
    const url = evenkeel.url();
    expect(await curl(`${url}/`)).toEqual({ status: 200, body: Buffer.from("<h1>hello</h1>") });
    expect((await curl(`${url}/a%20b/%C3%A4.txt`)).body.toString()).toBe("names");
    expect((await curl(`${url}/big.bin`)).body.equals(BIG)).toBe(true);
    const range = await curl("-r", "1000-1999", `${url}/big.bin`);
    expect(range).toEqual({ status: 206, body: BIG.subarray(1000, 2000) });
    expect((await curl("-I", `${url}/big.bin`)).body.toString()).toContain("Content-Length: 3000001");
    expect((await curl(`${url}/missing`)).status).toBe(404);
    expect((await curl("-H", "If-None-Match: *", `${url}/`)).status).toBe(304);
  });

  it("takes uploads with Expect: 100-continue", async () => {
    const origin = await startNginx(
      files,
      "location /up { client_max_body_size 10m; client_body_in_file_only off; proxy_pass http://unix:/nowhere:/; error_page 502 =200 /index.html; }",
    );
    const evenkeel = await startProxy([origin.address]);
    const result = await curl(
      "-X",
      "POST",
      "-H",
      "Expect: 100-continue",
      "--data-binary",
      "x".repeat(50_000),
      `${evenkeel.url()}/up`,
    );
    expect(result.status).toBe(200);
  });
});

describe.skipIf(noCurl || missing("python3", "python as an origin"))("python behind the proxy", () => {
  it("serves files from HTTP/1.0 answers", async () => {
    const origin = await startPython(files);
    const evenkeel = await startProxy([origin.address]);
    for (let i = 0; i < 5; i++) {
      expect(await curl(`${evenkeel.url()}/index.html`)).toEqual({ status: 200, body: Buffer.from("<h1>hello</h1>") });
    }
    expect((await curl(`${evenkeel.url()}/big.bin`)).body.equals(BIG)).toBe(true);
    expect((await curl(`${evenkeel.url()}/missing`)).status).toBe(404);
  });
});

describe.skipIf(noCurl)("Node behind the proxy", () => {
  it("serves curl with keep-alive, chunked uploads and HTTP/1.0", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address]);
    const url = evenkeel.url();
    const chunked = await curl("-H", "Transfer-Encoding: chunked", "--data-binary", "hello", `${url}/x`);
    expect(JSON.parse(chunked.body.toString())).toMatchObject({ method: "POST", body: { length: 5 } });
    const old = await run(tool("curl"), ["-sS", "--http1.0", `${url}/bytes/100000?chunked`], {
      encoding: "buffer",
      maxBuffer: 1_000_000,
    });
    expect(old.stdout.equals(payloadBytes(100_000))).toBe(true);
    const two = await run(tool("curl"), ["-sSv", "--http1.1", `${url}/1`, `${url}/2`]);
    expect(two.stderr).toContain("Re-using existing connection");
  });
});

describe.skipIf(noCurl || missing("nginx", "nginx as an origin") || missing("python3", "python as an origin"))(
  "all three in one pool",
  () => {
    it("take turns, started by `evenkeel proxy`", async () => {
      const nginx = await startNginx({ who: "nginx" });
      const python = await startPython({ who: "python" });
      const node = await startNodeOrigin("node");
      const servers = [nginx, python, node].flatMap(({ address }) => ["--server", address]);
      const evenkeel = await startCommand([
        "proxy",
        "--listen",
        "127.0.0.1:0",
        ...servers,
        "--algorithm",
        "round_robin",
        "--workers",
        "1",
        "--admin",
        "off",
      ]);
      const [port] = Object.values(evenkeel.ports);
      const seen: Record<string, number> = {};
      for (let i = 0; i < 30; i++) {
        const { body } = await curl(`http://127.0.0.1:${port}/who`);
        const who = body.toString().startsWith("{") ? "node" : body.toString();
        seen[who] = (seen[who] ?? 0) + 1;
      }
      expect(seen).toEqual({ nginx: 10, python: 10, node: 10 });
    });
  },
);
