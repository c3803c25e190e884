import { connect, type Socket } from "node:net";
import { atEnd } from "./cleanup.ts";
import { within } from "./wait.ts";

/** A response as the raw client read it. Names of fields are lower case; repeated ones are in `fields` only. */
export interface RawResponse {
  readonly status: number;
  readonly statusLine: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** First value of each field. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly trailers: string;
}

/** A TCP client that sends exactly the bytes that a test says, and reads answers strictly. Text is latin1. */
export class RawClient {
  /** What was read from the socket and not consumed yet. */
  private pending: Buffer[] = [];
  private size = 0;
  private wake: (() => void) | undefined;
  private over = false;
  readonly socket: Socket;
  /** Everything that ever came. */
  total = 0;
  /** "end" for an orderly end, "reset" for an error; undefined while the connection is open. */
  ending: "end" | "reset" | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data) => {
      this.pending.push(data);
      this.size += data.length;
      this.total += data.length;
      this.wake?.();
    });
    const ended = (how: "end" | "reset") => () => {
      this.ending ??= how;
      this.over = true;
      this.wake?.();
    };
    socket.on("end", ended("end"));
    socket.on("error", ended("reset"));
    socket.on("close", ended("end"));
  }

  /** Connects to a port of the loopback address, or to another address from `localAddress`. */
  static async connect(
    port: number,
    options: { localAddress?: string; host?: string; allowHalfOpen?: boolean } = {},
  ): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1", ...options });
    await within(
      `a connection to port ${port}`,
      new Promise((resolve, reject) => socket.once("connect", resolve as () => void).once("error", reject)),
    );
    const client = new RawClient(socket);
    atEnd(() => socket.destroy());
    return client;
  }

  /** Sends text (latin1) or bytes; resolves when the kernel has them, or at once when the peer is gone. */
  send(data: string | Uint8Array): Promise<void> {
    if (this.socket.destroyed || !this.socket.writable) return Promise.resolve();
    return new Promise((resolve) => {
      this.socket.once("close", resolve);
      this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data, () => {
        this.socket.off("close", resolve);
        resolve();
      });
    });
  }

  /** Sends each byte in a write of its own, with a turn of the event loop between two of them. */
  sendBytewise(data: string | Uint8Array): Promise<void> {
    return this.sendPieces(data, 1);
  }

  /** Sends pieces of `size` bytes, with a turn of the event loop between two of them. */
  async sendPieces(data: string | Uint8Array, size: number): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    for (let at = 0; at < bytes.length && this.socket.writable; at += size) {
      this.socket.write(bytes.subarray(at, at + size));
      await new Promise(setImmediate);
    }
  }

  /** Ends the sending side and keeps on reading. */
  end(): void {
    this.socket.end();
  }

  /** Sends a TCP reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Reads up to and including the text; throws when the connection ends first. */
  async readUntil(marker: string, timeout = 10_000): Promise<string> {
    const wanted = Buffer.from(marker, "latin1");
    return within(`${JSON.stringify(marker)} from the proxy`, this.until(wanted), timeout);
  }

  /** Reads exactly that many bytes. */
  async readBytes(count: number, timeout = 10_000): Promise<Buffer> {
    await within(`${count} bytes from the proxy (have ${this.size})`, this.atLeast(count), timeout);
    return this.take(count);
  }

  /** Reads up to the end of the connection. */
  async readToEnd(timeout = 10_000): Promise<Buffer> {
    await this.closed(timeout);
    return this.take(this.size);
  }

  /** Waits for the next response's head and returns it with an empty body. */
  async head(timeout = 10_000): Promise<RawResponse> {
    return parseHead(await this.readUntil("\r\n\r\n", timeout));
  }

  /**
   * Waits for one whole response, framed by RFC 9112 section 6.3. Interim ones before it are passed over.
   *
   * @param method of the request that it answers: a response to HEAD has no body
   */
  async response(method = "GET", timeout = 10_000): Promise<RawResponse> {
    let head = await this.head(timeout);
    while (head.status < 200 && head.status !== 101) head = await this.head(timeout);
    if (method === "HEAD" || head.status < 200 || head.status === 204 || head.status === 304) return head;
    if (head.headers["transfer-encoding"] === "chunked") return { ...head, ...(await this.chunked(timeout)) };
    const length = head.headers["content-length"];
    if (length !== undefined) return { ...head, body: await this.readBytes(Number(length), timeout) };
    return { ...head, body: await this.readToEnd(timeout) };
  }

  /** Waits until the other side has closed the connection. */
  async closed(timeout = 10_000): Promise<"end" | "reset"> {
    await within("the proxy to close the connection", this.untilOver(), timeout);
    return this.ending!;
  }

  /** Bytes that have come and were not read by the test. */
  get unread(): Buffer {
    return Buffer.concat(this.pending);
  }

  private async chunked(timeout: number): Promise<{ body: Buffer; trailers: string }> {
    const parts: Buffer[] = [];
    for (;;) {
      const line = (await this.readUntil("\r\n", timeout)).slice(0, -2);
      if (!/^[0-9a-fA-F]+$/.test(line)) throw new Error(`bad chunk-size line from the proxy: ${JSON.stringify(line)}`);
      const size = Number.parseInt(line, 16);
      if (size === 0) break;
      parts.push(await this.readBytes(size, timeout));
      const end = (await this.readBytes(2, timeout)).toString("latin1");
      if (end !== "\r\n") throw new Error(`chunk data from the proxy ends in ${JSON.stringify(end)}`);
    }
    let trailers = "";
    for (;;) {
      const line = await this.readUntil("\r\n", timeout);
      if (line === "\r\n") return { body: Buffer.concat(parts), trailers };
      trailers += line;
    }
  }

  private async until(wanted: Buffer): Promise<string> {
    for (;;) {
      const all = this.join();
      const at = all.indexOf(wanted);
      if (at >= 0) return this.take(at + wanted.length).toString("latin1");
      if (this.over) {
        throw new Error(
          `the connection ended before ${JSON.stringify(wanted.toString("latin1"))}; unread: ${JSON.stringify(all.toString("latin1"))}`,
        );
      }
      await this.more();
    }
  }

  private async atLeast(count: number): Promise<void> {
    while (this.size < count) {
      if (this.over) throw new Error(`the connection ended after ${this.size} of ${count} bytes`);
      await this.more();
    }
  }

  private async untilOver(): Promise<void> {
    while (!this.over) await this.more();
  }

  private more(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }

  private join(): Buffer {
    if (this.pending.length > 1) this.pending = [Buffer.concat(this.pending)];
    return this.pending[0] ?? Buffer.alloc(0);
  }

  private take(count: number): Buffer {
    const all = this.join();
    this.pending = count < all.length ? [all.subarray(count)] : [];
    this.size = all.length - count;
    return all.subarray(0, count);
  }
}

function parseHead(text: string): RawResponse {
  const [statusLine, ...lines] = text.slice(0, -4).split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine);
  if (match === null) throw new Error(`bad status line from the proxy: ${JSON.stringify(statusLine)}`);
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`bad field line from the proxy: ${JSON.stringify(line)}`);
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const headers: Record<string, string> = {};
  for (const [name, value] of fields) headers[name] ??= value;
  return { status: Number(match[1]), statusLine, fields, headers, body: Buffer.alloc(0), trailers: "" };
}

/** One connection, the bytes, one response. */
export async function exchange(port: number, bytes: string | Uint8Array, method = "GET"): Promise<RawResponse> {
  const client = await RawClient.connect(port);
  await client.send(bytes);
  const response = await client.response(method);
  client.socket.destroy();
  return response;
}
