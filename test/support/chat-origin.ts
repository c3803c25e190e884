import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { atEnd } from "./cleanup.ts";
import { within } from "./wait.ts";

/** A server with quick answers, answers that the test holds back, and WebSockets that echo. */
export interface ChatOrigin {
  readonly address: string;
  /** Requests other than `/held` and upgrades so far. */
  quick: number;
  /** Requests for `/held` that wait for the test. */
  readonly held: ServerResponse[];
  /** Codes and reasons with which WebSockets were closed, as the server saw it. */
  readonly closes: string[];
  /** WebSockets that are open. */
  readonly open: ReadonlySet<WebSocket>;
}

/** Starts one; every quick answer has its name as the body. */
export async function startChatOrigin(name: string): Promise<ChatOrigin> {
  const held: ServerResponse[] = [];
  const closes: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/held") held.push(response);
    else {
      origin.quick++;
      response.end(name);
    }
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
    socket.on("close", (code, reason) => closes.push(`${code} ${reason.toString()}`.trim()));
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const origin: ChatOrigin = { address, quick: 0, held, closes, open: sockets.clients };
  return origin;
}

/** A WebSocket client that counts what comes back. */
export class ChatClient {
  readonly socket: WebSocket;
  messages = 0;
  /** The code and reason of its close; resolves when the connection is gone. */
  readonly closed: Promise<string>;

  private constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on("message", () => this.messages++);
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) =>
      this.socket.once("close", (code, reason) => resolve(`${code} ${reason.toString()}`.trim())),
    );
    atEnd(() => this.socket.terminate());
  }

  static async connect(url: string): Promise<ChatClient> {
    const client = new ChatClient(url.replace("http", "ws"));
    await within(
      "the WebSocket to open",
      new Promise((resolve, reject) => client.socket.once("open", resolve).once("error", reject)),
    );
    return client;
  }

  /** Sends messages all the time, each with a payload of that many bytes, until the connection is gone. */
  chatter(bytes: number, every = 2): void {
    const payload = Buffer.alloc(bytes, "x");
    const timer = setInterval(() => {
      if (this.socket.readyState === WebSocket.OPEN && this.socket.bufferedAmount < 1_000_000)
        this.socket.send(payload);
    }, every);
    this.socket.once("close", () => clearInterval(timer));
  }
}
