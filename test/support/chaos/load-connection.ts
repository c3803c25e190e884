import { connect, type Socket } from "node:net";

/** An answer as the load reads it, or why there is none. */
export interface LoadAnswer {
  readonly status: number;
  readonly server: string;
  readonly error: string;
}

/** A cheap client connection for HTTP/1.1 with one request at a time; answers need a length. */
export class LoadConnection {
  readonly #socket: Socket;
  #text = "";
  #answered: ((answer: LoadAnswer) => void) | undefined;
  /** It takes no further request. */
  closed = false;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text) => {
      this.#text += text as unknown as string;
      this.#read();
    });
    this.#socket.on("error", (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    this.#socket.on("close", () => this.#end("closed"));
  }

  send(request: string, answered: (answer: LoadAnswer) => void): void {
    this.#answered = answered;
    this.#socket.write(request, "latin1");
  }

  /** Gives the request up. */
  giveUp(): void {
    this.#end("timeout");
  }

  close(): void {
    this.closed = true;
    this.#socket.destroy();
  }

  #end(error: string): void {
    this.close();
    this.#finish({ status: 0, server: "", error });
  }

  #finish(answer: LoadAnswer): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(answer);
  }

  #read(): void {
    const end = this.#text.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#text.slice(0, end + 2);
    const length = Number(/\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1] ?? 0);
    const size = end + 4 + length;
    if (this.#text.length < size) return;
    const body = this.#text.slice(end + 4, size);
    this.#text = this.#text.slice(size);
    const status = Number(head.slice(9, 12));
    const server = /\r\nx-server: *(\S+)\r\n/i.exec(head)?.[1] ?? "";
    const code = server === "" ? /"code": *"([^"]+)"/.exec(body)?.[1] : undefined;
    if (/\r\nconnection: *close\r\n/i.test(head)) this.close();
    this.#finish({ status, server, error: status < 400 ? "" : (code ?? `status ${status}`) });
  }
}
