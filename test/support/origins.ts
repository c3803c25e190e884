import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { atEnd } from "./cleanup.ts";
import { createNodeOrigin } from "./node-origin.ts";
import { tool } from "./tools.ts";
import { waitFor, within } from "./wait.ts";

/** A server to balance over. */
export interface Origin {
  readonly port: number;
  /** host:port, as a pool takes it. */
  readonly address: string;
}

/** An origin in a process of its own. */
export interface OriginProcess extends Origin {
  readonly process: ChildProcess;
  /** Ends it at once, as a crash does, and waits until it is gone. */
  kill(): Promise<void>;
}

/** A Node origin inside of the test's own process. */
export async function startNodeOrigin(name = "node"): Promise<Origin & { server: Server }> {
  const server = createNodeOrigin(name);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { server, port, address: `127.0.0.1:${port}` };
}

/** A Node origin in a process of its own: for load, and for being killed. */
export async function startNodeOriginProcess(name = "node", port = 0): Promise<OriginProcess> {
  const script = fileURLToPath(new URL("./node-origin-process.ts", import.meta.url));
  const child = spawn(process.execPath, [script, name, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  const actual = Number(
    await within(
      `the origin ${name}`,
      new Promise<string>((resolve, reject) => {
        child.stdout.once("data", (data: Buffer) => resolve(data.toString()));
        child.once("exit", (code) => reject(new Error(`the origin ${name} ended with ${code}`)));
      }),
    ),
  );
  return owned(child, actual);
}

/**
 * An nginx that serves files (name → content) and the given further lines of its `server` block. Nothing of a system
 * nginx is touched.
 *
 * @param listen what `listen` says besides the address, such as `ssl http2`
 */
export async function startNginx(
  files: Readonly<Record<string, string | Uint8Array>>,
  lines = "",
  listen = "",
): Promise<OriginProcess> {
  const folder = filesIn(files);
  const port = await freePort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
    ${process.getuid?.() === 0 ? "user root;" : ""}
    events { worker_connections 4096; }
    http {
      access_log off; keepalive_requests 1000000; ${paths.join(" ")}
      server { listen 127.0.0.1:${port} ${listen} backlog=4096; root ${folder}/files; ${lines} }
    }`,
  );
  const child = spawn(tool("nginx"), ["-p", folder, "-c", join(folder, "nginx.conf")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const origin = owned(child, port);
  await listening(origin);
  return origin;
}

/** Python's own file server (HTTP/1.0, closes after each answer) over files. */
export async function startPython(files: Readonly<Record<string, string | Uint8Array>>): Promise<OriginProcess> {
  const folder = filesIn(files);
  const port = await freePort();
  const args = ["-m", "http.server", String(port), "--bind", "127.0.0.1", "--directory", join(folder, "files")];
  const origin = owned(spawn(tool("python3"), args, { stdio: "ignore" }), port);
  await listening(origin);
  return origin;
}

/** A port that nothing listens on at the moment, for programs that cannot take one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function filesIn(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-origin-"));
  mkdirSync(join(folder, "files"));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, "files", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function owned(child: ChildProcess, port: number): OriginProcess {
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ended;
  };
  // SIGTERM first: a master process that is killed leaves its workers behind.
  atEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await within("an origin to end", ended).catch(kill);
  });
  return { process: child, port, address: `127.0.0.1:${port}`, kill };
}

function listening(origin: Origin): Promise<boolean> {
  return waitFor(`port ${origin.port} to listen`, () => {
    const socket = connect(origin.port, "127.0.0.1");
    return new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    }).finally(() => socket.destroy());
  });
}
