import { spawn } from "node:child_process";
import { once } from "node:events";
import { createSocket } from "node:dgram";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { atEnd } from "../../support/cleanup.ts";
import type { Evenkeel } from "../../support/evenkeel.ts";
import { residentBytes } from "../../support/process-usage.ts";
import { startProxy } from "../../support/proxy.ts";
import { exchange } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const MIB = 1024 * 1024;
const SECRET = "s3cret-of-the-check";
/** What a server may put into whatever is shown of it. */
const NASTY = "\u001b[2J\u0007\r\nfake line \u2028 \u009b31m \u202e";
const OFTEN = { interval: 100, unhealthyInterval: 100, unknownInterval: 100, timeout: 300, jitter: 0 };

/** What the talking processes run: a server per thing to say; the first line of output has their ports. */
const TALKERS = `
  import { createServer } from "node:net";
  let input = "";
  for await (const chunk of process.stdin) input += chunk;
  const ports = [];
  for (const { bytes, again } of JSON.parse(input)) {
    const data = Buffer.from(bytes, "latin1");
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      const talk = () => {
        for (let i = 0; i < 64 && again && socket.writable; i++) if (!socket.write(data)) return;
        if (!again) socket.write(data);
      };
      socket.on("drain", () => again && talk());
      talk();
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    ports.push(server.address().port);
  }
  console.log(JSON.stringify(ports));
`;

/** Servers that say something to whoever comes, `again` and again as long as it is read, and never close. */
async function startTalkers(says: readonly { bytes: string; again: boolean }[]): Promise<string[]> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", TALKERS], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  atEnd(() => child.kill("SIGKILL"));
  child.stdin.end(JSON.stringify(says));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return (JSON.parse(line.toString()) as number[]).map((port) => `127.0.0.1:${port}`);
}

interface CheckView {
  readonly type: string;
  readonly lastOutcome: string | null;
  readonly lastReason: string | null;
}

async function checksOf(evenkeel: Evenkeel, server: string): Promise<{ text: string; checks: CheckView[] }> {
  const response = await fetch(`${evenkeel.url("admin")}/api/v2/servers/${server}/health`);
  const text = await response.text();
  const { servers } = JSON.parse(text) as { servers: { checks?: CheckView[]; health?: { checks: CheckView[] } }[] };
  return { text, checks: servers.flatMap((entry) => entry.health?.checks ?? entry.checks ?? []) };
}

const chunkOf = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const ok = (head: string) => `HTTP/1.1 200 OK\r\n${head}\r\n`;

const hostile: [name: string, check: Record<string, unknown>, says: string | Buffer, again?: boolean][] = [
  ["http: a head without an end", { type: "http" }, "HTTP/1.1 200 OK\r\nX: y"],
  ["http: ten thousand fields", { type: "http" }, ok("X: y\r\n".repeat(10_000))],
  ["http: a field without an end", { type: "http" }, `HTTP/1.1 200 OK\r\nX: ${"y".repeat(300_000)}`],
  ["http: 1xx without an end", { type: "http" }, "HTTP/1.1 102 Processing\r\n\r\n", true],
  [
    "http: a redirect",
    { type: "http", expectedStatus: 200 },
    "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
  ],
  [
    "http: a body without an end",
    { type: "http", json: ['status == "ok"'] },
    ok("Transfer-Encoding: chunked\r\n") + chunkOf("x".repeat(65_536)).repeat(20),
  ],
  [
    "http: no JSON but escapes",
    { type: "http", json: ['status == "ok"'] },
    ok("Content-Length: 200\r\n") + `{"status":${JSON.stringify(NASTY)}}`.padEnd(200),
  ],
  ["http: deep JSON", { type: "http", json: ['status == "ok"'] }, ok("Content-Length: 60000\r\n") + "[".repeat(60_000)],
  [
    "http: escapes as a reason phrase",
    { type: "http" },
    `HTTP/1.1 500 ${NASTY.replaceAll(/[\r\n]/g, "")}\r\nContent-Length: 0\r\n\r\n`,
  ],
  ["http: garbage without an end", { type: "http" }, "\0".repeat(65_536), true],
  ["grpc: garbage", { type: "grpc" }, Buffer.alloc(65_536, 0xff), true],
  [
    "grpc: an HTTP/2 frame of the greatest length",
    { type: "grpc" },
    Buffer.from("ffffff0004000000000000", "hex"),
    true,
  ],
  ["tcp: bytes without an end", { type: "tcp", send: "x", expect: "never" }, "y".repeat(65_536), true],
  ["tls: no TLS", { type: "tls" }, "HTTP/1.1 400 Bad Request\r\n\r\n", true],
  ["redis: a text of a gigabyte", { type: "redis", password: SECRET }, "$1000000000\r\n" + "x".repeat(65_536)],
  ["redis: lists in lists", { type: "redis" }, "*1\r\n".repeat(50_000)],
  [
    "redis: an error with escapes",
    { type: "redis", password: SECRET },
    `-ERR ${SECRET} ${NASTY.replaceAll(/[\r\n]/g, "")}${"z".repeat(900)}\r\n`,
  ],
  ["redis: a line without an end", { type: "redis" }, "+" + "x".repeat(65_536), true],
  [
    "postgresql: a message of 4 GiB",
    { type: "postgresql", user: "u", password: SECRET },
    Buffer.from("52ffffffff00000000", "hex"),
  ],
  ["postgresql: an error with escapes", { type: "postgresql", user: "u" }, pgError(NASTY)],
  [
    "postgresql: authentications without an end",
    { type: "postgresql", user: "u", password: SECRET },
    Buffer.from("520000000c0000000500000000", "hex"),
    true,
  ],
  [
    "mysql: a packet of 16 MiB",
    { type: "mysql" },
    Buffer.concat([Buffer.from("ffffff00", "hex"), Buffer.alloc(70_000, 65)]),
  ],
  ["mysql: an error with escapes", { type: "mysql" }, mysqlError(NASTY)],
  [
    "mysql: packets without an end",
    { type: "mysql", user: "u", password: SECRET },
    Buffer.from("0100000041", "hex"),
    true,
  ],
];

function pgError(text: string): Buffer {
  const body = Buffer.from(`SFATAL\0C28000\0M${text}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function mysqlError(text: string): Buffer {
  const body = Buffer.concat([Buffer.from([0xff, 0x10, 0x04]), Buffer.from(text)]);
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  return Buffer.concat([head, body]);
}

/** Control characters, and those that turn the order of a line around. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

describe("whatever a server answers to a check", () => {
  it("is a bounded reason in one line, holds nothing up, and leaks nothing", { timeout: 30_000 }, async () => {
    const pools: Record<string, unknown> = {};
    const servers: Record<string, string> = {};
    const addresses = await startTalkers(
      hostile.map(([, , says, again = false]) => ({
        bytes: Buffer.from(says as string, "latin1").toString("latin1"),
        again,
      })),
    );
    for (const [i, [, check]] of hostile.entries()) {
      servers[`p${i}`] = addresses[i];
      pools[`p${i}`] = { servers: [servers[`p${i}`]], healthCheck: { ...OFTEN, ...check } };
    }
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], {
      top: { pools: { web: { servers: [origin.address], healthCheck: { type: "tcp", ...OFTEN } }, ...pools } },
    });
    const before = residentBytes(evenkeel.pid);
    const shown: string[] = [];
    for (const [i, [name]] of hostile.entries()) {
      const seen = await waitFor(`a result of ${name}`, async () => {
        const view = await checksOf(evenkeel, servers[`p${i}`]);
        return view.checks[0]?.lastOutcome != null && view;
      });
      expect([name, seen.checks[0].lastOutcome]).toEqual([name, "unhealthy"]);
      const reason = seen.checks[0].lastReason!;
      expect(reason.length).toBeLessThanOrEqual(200);
      expect(reason).not.toMatch(UNPRINTABLE);
      expect(seen.text).not.toContain(name.startsWith("redis: an error") ? "\0" : SECRET);
      shown.push(reason);
    }
    expect(shown).toContain("the server does not come to an end with the login");
    const started = Date.now();
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    expect((await fetch(`${evenkeel.url("admin")}/healthz`)).status).toBe(200);
    expect(Date.now() - started).toBeLessThan(1000);
    expect(residentBytes(evenkeel.pid) - before).toBeLessThan(150 * MIB);
    for (const line of evenkeel.log) expect(line).not.toMatch(UNPRINTABLE);
    expect(evenkeel.log.filter((line) => !/^(evenkeel ready|\d{4}-)/.test(line))).toEqual([]);
    const config = JSON.stringify(await evenkeel.admin("/api/v2/config"));
    expect(config).not.toContain(SECRET);
    // Each check has one connection at a time, and gives it back.
    expect(readdirSync(`/proc/${evenkeel.pid}/fd`).length).toBeLessThan(60 + 2 * hostile.length);
  });

  it("a forged answer to a DNS check is not believed", async () => {
    const socket = createSocket("udp4");
    atEnd(() => socket.close());
    socket.on("message", (query, from) => {
      const wrong = Buffer.from(query);
      wrong[0]! ^= 0xff;
      wrong[2]! |= 0x80;
      const other = Buffer.from(query);
      other[2]! |= 0x80;
      other[14]! ^= 1;
      for (const reply of [wrong, other, query, Buffer.alloc(0), Buffer.alloc(12)])
        socket.send(reply, from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const address = `127.0.0.1:${socket.address().port}`;
    const evenkeel = await startProxy([address], {
      pool: { healthCheck: { type: "dns", name: "web.test", ...OFTEN } },
    });
    const { checks } = await waitFor("a result", async () => {
      const view = await checksOf(evenkeel, address);
      return view.checks[0]?.lastOutcome != null && view;
    });
    expect(checks[0]).toMatchObject({ lastOutcome: "unhealthy", lastReason: expect.stringContaining("no ") });
  });
});

describe("commands of checks", () => {
  it(
    "see no secrets, interpret nothing, and leave neither processes nor descriptors behind",
    { timeout: 30_000 },
    async () => {
      const origin = await startRawOrigin();
      const id = "x$(>pwned);`>pwned`'\"&|<>*";
      const script = "env | tr '\\n' ';'; sleep 1000 & printf '\\033[2Jline\\n'; exit 1";
      const evenkeel = await startProxy([{ address: origin.address, id }], {
        env: { EVENKEEL_TOKEN: SECRET, TOKEN: SECRET, AWS_SECRET_ACCESS_KEY: SECRET },
        pool: {
          healthCheck: {
            type: "exec",
            command: ["/bin/sh", "-c", script],
            env: { DB_PASSWORD: "p4ss", MARK: `evenkeel-test-${process.pid}` },
            ...OFTEN,
            interval: 50,
            unhealthyInterval: 50,
          },
        },
      });
      const view = await waitFor(
        "some results",
        async () => {
          const seen = await checksOf(evenkeel, encodeURIComponent(id));
          const { history } = (JSON.parse(seen.text) as { servers: { history: unknown[] }[] }).servers[0];
          return history.length >= 60 && seen;
        },
        15_000,
      );
      expect(view.text).not.toContain(SECRET);
      expect(view.checks[0].lastReason).toContain("EVENKEEL_SERVER_ID=x$(>pwned)");
      expect(view.checks[0].lastReason).not.toMatch(UNPRINTABLE);
      expect(readdirSync(evenkeel.folder)).not.toContain("pwned");
      expect(JSON.stringify(await evenkeel.admin("/api/v2/config"))).not.toContain("p4ss");
      expect(readdirSync(`/proc/${evenkeel.pid}/fd`).length).toBeLessThan(80);
      // Of all that were started only those of the present run may be there.
      expect(processesWith(`MARK=evenkeel-test-${process.pid}`)).toBeLessThanOrEqual(5);
      expect(zombiesOf(evenkeel.pid)).toBeLessThanOrEqual(1);
      evenkeel.signal("SIGTERM");
      await evenkeel.exited;
      await waitFor("all processes to be gone", () => processesWith(`MARK=evenkeel-test-${process.pid}`) === 0);
    },
  );
});

const processes = () => readdirSync("/proc").filter((name) => /^\d+$/.test(name));

function processesWith(mark: string): number {
  return processes().filter((pid) => readProc(pid, "environ").includes(mark)).length;
}

function zombiesOf(parent: number): number {
  return processes().filter((pid) => new RegExp(`^\\d+ \\(.*\\) Z ${parent} `).test(readProc(pid, "stat"))).length;
}

function readProc(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}
