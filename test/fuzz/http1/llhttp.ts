import { createServer, request, type IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import type { Reading } from "./messages.ts";

/** A connection in memory: what is pushed into it is what the peer has sent. */
class Connection extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
  // The HTTP modules ask a socket for these.
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
}

interface Started {
  readonly start: string;
  readonly message: IncomingMessage;
  body: string;
}

function collect(start: string, message: IncomingMessage): Started {
  const started: Started = { start, message, body: "" };
  message.on("data", (chunk: Buffer) => {
    started.body += chunk.toString("latin1");
  });
  message.on("error", () => {});
  return started;
}

function reading(started: readonly Started[], error: string): Reading {
  return {
    messages: started
      .filter(({ message }) => message.complete)
      .map(({ start, message, body }) => ({ start, fields: message.rawHeaders, body })),
    error,
  };
}

/** Everything that was pushed has been parsed, and the content of all messages delivered, after two turns of the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Reads requests with the parser of `node:http`, llhttp. */
export class LlhttpRequests {
  private started: Started[] = [];
  private error = "";
  private readonly server = createServer({ requireHostHeader: false, keepAliveTimeout: 0 });

  constructor() {
    const onRequest = (message: IncomingMessage): void => {
      this.started.push(collect(`${message.method} ${message.url}`, message));
    };
    // Both events replace `request` when they have a listener.
    for (const event of ["request", "checkContinue", "checkExpectation"]) this.server.on(event, onRequest);
    this.server.on("connect", (message: IncomingMessage) => {
      this.started.push(collect(`${message.method} ${message.url}`, message));
      message.complete = true;
    });
    this.server.on("clientError", (error: Error & { code?: string }) => {
      this.error ||= error.code ?? error.message;
    });
  }

  async read(stream: string): Promise<Reading> {
    this.started = [];
    this.error = "";
    const connection = new Connection();
    connection.on("error", () => {});
    this.server.emit("connection", connection);
    connection.push(Buffer.from(stream, "latin1"));
    await settle();
    const result = reading(this.started, this.error);
    connection.destroy();
    await settle();
    return result;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Reads the final response to a request with that method with llhttp. The stream ends with its connection. */
export async function readResponseWithLlhttp(stream: string, method: string): Promise<Reading> {
  const connection = new Connection();
  let error = "";
  const started: Started[] = [];
  const onError = (reason: Error & { code?: string }): void => {
    error ||= reason.code ?? reason.message;
  };
  connection.on("error", onError);
  const outgoing = request({ method, createConnection: () => connection as never });
  outgoing.on("error", onError);
  outgoing.on("response", (message) => started.push(collect(String(message.statusCode), message)));
  outgoing.on("upgrade", (message) => {
    started.push(collect(String(message.statusCode), message));
    message.complete = true;
  });
  outgoing.end();
  await settle();
  connection.push(Buffer.from(stream, "latin1"));
  await settle();
  connection.push(null);
  await settle();
  await settle();
  const result = reading(started, error);
  outgoing.destroy();
  connection.destroy();
  return result;
}
