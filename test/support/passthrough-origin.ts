import { execFile } from "node:child_process";
import { createSecureServer } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";
import net from "node:net";
import tls from "node:tls";
import { atEnd } from "./cleanup.ts";
import type { Issued } from "./certificates.ts";
import { digest, payload } from "./payload.ts";
import { tool } from "./tools.ts";

/** A server that ends TLS itself, in HTTP/2 or HTTP/1.1: answers its name, takes uploads and sends downloads. */
export interface PassthroughOrigin {
  readonly name: string;
  readonly address: string;
  /** TCP connections so far, and those that are open. */
  readonly accepted: number;
  readonly open: number;
  /** Stops listening and cuts all connections. */
  kill(): Promise<void>;
}

/**
 * Starts one. `GET /` answers its name, `GET /download?SIZE` the payload of that size, `POST` the digest of the body.
 */
export async function startPassthroughOrigin(name: string, certificate: Issued): Promise<PassthroughOrigin> {
  const sockets = new Set<net.Socket>();
  let accepted = 0;
  const server = createSecureServer({ key: certificate.key, cert: certificate.chain, allowHTTP1: true });
  server.on("request", (request, response) =>
    answer(name, request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  server.on("sessionError", () => undefined);
  server.on("connection", (socket: net.Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const kill = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  atEnd(kill);
  return {
    name,
    address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    kill,
  };
}

function answer(name: string, request: IncomingMessage, response: ServerResponse): void {
  const size = /^\/download\?(\d+)$/.exec(request.url ?? "")?.[1];
  response.on("error", () => undefined);
  if (size !== undefined) {
    response.setHeader("content-length", size);
    payload(Number(size)).pipe(response);
  } else if (request.method === "POST") void digest(request).then((found) => response.end(JSON.stringify(found)));
  else response.end(name);
}

/** What curl says about `https://name/`, with everything resolved to that port of this machine. */
export function curl(
  port: number,
  name: string,
  ca: string,
  args: readonly string[] = [],
): Promise<{ code: number; output: string }> {
  const to = ["--connect-to", `::127.0.0.1:${port}`, "--cacert", ca, "-sS", "-m", "20"];
  return run(tool("curl"), [...to, ...args, `https://${name}/`]);
}

/** Runs a program to its end; `output` is stdout and stderr. */
export function run(program: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(program, args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr });
    });
    child.stdin?.end();
  });
}

/** A TLS connection through that port, once its handshake is done. */
export function connectTls(port: number, servername: string, ca: string): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: "127.0.0.1", servername, ca, ALPNProtocols: ["http/1.1"] });
    atEnd(() => socket.destroy());
    socket.once("secureConnect", () => {
      socket.off("error", reject);
      socket.on("error", () => undefined);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

/** Asks on a connection that stays open, and resolves with the whole answer to this one question. */
export function ask(socket: tls.TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (data: Buffer) => {
      text += data.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      const chunked = /transfer-encoding: chunked/i.test(text);
      if (head < 0 || (chunked ? !text.endsWith("0\r\n\r\n") : text.length < head + 4 + Number(length))) return;
      socket.off("data", onData).off("close", onClose);
      resolve(text.slice(head + 4));
    };
    const onClose = () => reject(new Error("closed without an answer"));
    socket.on("data", onData).on("close", onClose);
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  });
}

/** Something in front of a port that passes each client's first `count` bytes on one by one. */
export async function dribble(port: number, count: number): Promise<number> {
  const server = net.createServer((client) => {
    const to = net.connect({ port, host: "127.0.0.1", noDelay: true });
    let left = count;
    const forward = async () => {
      for await (const chunk of client as AsyncIterable<Buffer>) {
        let at = 0;
        for (; at < chunk.length && left > 0; at++, left--) {
          to.write(chunk.subarray(at, at + 1));
          // Nagle is off, and a turn lets each byte leave as a segment of its own.
          await new Promise((resolve) => setImmediate(resolve));
        }
        if (at < chunk.length) to.write(chunk.subarray(at));
      }
      to.end();
    };
    forward().catch(() => to.destroy());
    to.pipe(client);
    to.on("error", () => client.destroy());
    client.on("error", () => to.destroy());
    atEnd(() => (client.destroy(), to.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as net.AddressInfo).port;
}
