// The least that a relay on node:net can do, as a floor for what the runtime costs. It takes for granted that
// a head arrives in one piece, that every body has a Content-Length and that nobody pipelines, closes,
// fails or misbehaves; it reuses connections, adds X-Forwarded-For and respects backpressure, nothing else.
import { connect, createServer, type Socket } from "node:net";
import { listenPort, nextOrigin, originPorts } from "./arguments.ts";

function contentLength(head: string): number {
  const found = /\r\ncontent-length: *(\d+)/i.exec(head);
  return found === null ? 0 : Number(found[1]);
}

/** Writes a chunk to one side; when that is full the other one waits until it has drained. */
function relay(chunk: Buffer | string, to: Socket, from: Socket): void {
  if (typeof chunk === "string" ? to.write(chunk, "latin1") : to.write(chunk)) return;
  from.pause();
  to.once("drain", () => from.resume());
}

class Upstream {
  readonly port: number;
  readonly socket: Socket;
  client: Socket | undefined;
  private rest = 0;

  constructor(port: number) {
    this.port = port;
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("data", (chunk: Buffer) => this.received(chunk));
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.client?.end();
      const free = idle.get(port)!;
      const at = free.indexOf(this);
      if (at >= 0) free.splice(at, 1);
    });
  }

  private received(chunk: Buffer): void {
    const { client } = this;
    if (client === undefined) {
      this.socket.destroy();
      return;
    }
    if (this.rest === 0) {
      const end = chunk.indexOf("\r\n\r\n") + 4;
      this.rest = contentLength(chunk.toString("latin1", 0, end)) - (chunk.length - end);
    } else this.rest -= chunk.length;
    relay(chunk, client, this.socket);
    if (this.rest === 0) {
      this.client = undefined;
      idle.get(this.port)!.push(this);
    }
  }
}

const idle = new Map<number, Upstream[]>(originPorts.map((port) => [port, []]));

const server = createServer({ noDelay: true }, (socket) => {
  const address = socket.remoteAddress;
  let upstream: Upstream | undefined;
  let rest = 0;
  socket.on("error", () => {});
  socket.on("close", () => {
    if (upstream?.client === socket) upstream.socket.destroy();
  });
  socket.on("data", (chunk: Buffer) => {
    if (rest > 0) {
      rest -= chunk.length;
      relay(chunk, upstream!.socket, socket);
      return;
    }
    const end = chunk.indexOf("\r\n\r\n") + 2;
    const head = chunk.toString("latin1", 0, end);
    const port = nextOrigin();
    upstream = idle.get(port)!.pop() ?? new Upstream(port);
    upstream.client = socket;
    const body = chunk.length - end - 2;
    rest = contentLength(head) - body;
    relay(`${head}X-Forwarded-For: ${address}\r\n\r\n`, upstream.socket, socket);
    if (body > 0) relay(chunk.subarray(end + 2), upstream.socket, socket);
  });
});
server.listen(listenPort, "127.0.0.1", 4096);
