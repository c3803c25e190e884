import { createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { atEnd } from "../../support/cleanup.ts";
import { startProxy } from "../../support/proxy.ts";
import { RawClient } from "../../support/raw-client.ts";

/** How long the clients go on, in ms. */
const DURATION = Number(process.env["EVENKEEL_LEAKAGE_MS"] ?? 4000);
const CLIENTS = 32;

/** A body in which each 16 bytes say whose they are and where they stand. */
function marked(owner: string, length: number): Buffer {
  const body = Buffer.alloc(Math.ceil(length / 16) * 16);
  for (let at = 0; at < length; at += 16) {
    body.write(owner, at, "latin1");
    body.write((at / 16).toString(16).padStart(8, "0"), at + 8, "latin1");
  }
  return body.subarray(0, length);
}

const pick = <T>(...choices: T[]): T => choices[Math.floor(Math.random() * choices.length)];
const anyLength = () => pick(0, 1, 17, 900, 900, 5000, 16_300, 16_400, 65_536, 150_000) + pick(0, 1, 2, 15);

function chunks(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const piece = body.subarray(at, at + pick(50, 4096, 20_000, 70_000));
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
    at += piece.length;
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
}

const framed = (body: Buffer): [lines: string, bytes: Buffer] =>
  pick(true, false) ? [`Content-Length: ${body.length}\r\n`, body] : ["Transfer-Encoding: chunked\r\n", chunks(body)];

/** Checks every byte that it is sent, and answers with as many bytes of that request as it was asked for. */
class CheckingServer {
  readonly wrong: string[] = [];
  served = 0;
  readonly server = createServer({ noDelay: true }, (socket) => this.#accept(socket));

  #accept(socket: Socket): void {
    let seen: Buffer = Buffer.alloc(0);
    let parts: Buffer[] = [];
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      parts.push(data);
      // Whole requests end in one of these pieces; looking at every one of them would take too long.
      if (data.length === 65_536) return;
      seen = Buffer.concat([seen, ...parts]);
      parts = [];
      for (;;) {
        const size = this.#take(socket, seen);
        if (size === 0) return;
        seen = seen.subarray(size);
      }
    });
  }

  #take(socket: Socket, bytes: Buffer): number {
    const end = bytes.indexOf("\r\n\r\n") + 4;
    if (end < 4) return 0;
    const head = bytes.toString("latin1", 0, end);
    const start = /^(PUT|POST) \/(\w{8})\/(\d+)\/(\d+)\/(\w+) HTTP\/1\.1\r\n/.exec(head);
    if (start === null || !head.includes(`\r\nX-Owner: ${start[2]}\r\n`)) {
      this.wrong.push(`head ${JSON.stringify(head.slice(0, 200))}`);
      socket.destroy();
      return 0;
    }
    const [, , owner, up, down, how] = start;
    const expected = marked(owner, Number(up));
    let body: Buffer;
    let size: number;
    if (/\r\ntransfer-encoding: chunked\r\n/i.test(head)) {
      const parts: Buffer[] = [];
      size = end;
      for (;;) {
        const line = bytes.indexOf("\r\n", size);
        if (line < 0) return 0;
        const length = Number.parseInt(bytes.toString("latin1", size, line), 16);
        if (bytes.length < line + 4 + length) return 0;
        parts.push(bytes.subarray(line + 2, line + 2 + length));
        size = line + 4 + length;
        if (length === 0) break;
      }
      body = Buffer.concat(parts);
    } else {
      size = end + Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? 0);
      if (bytes.length < size) return 0;
      body = bytes.subarray(end, size);
    }
    if (!body.equals(expected)) this.wrong.push(`body of ${owner}: ${body.length} bytes of ${up}`);
    this.served++;
    this.#answer(socket, owner, Number(down), how);
    return size;
  }

  #answer(socket: Socket, owner: string, length: number, how: string): void {
    const body = marked(owner.toUpperCase(), length);
    const [lines, bytes] = framed(body);
    const head = `HTTP/1.1 200 OK\r\nX-Owner: ${owner}\r\n`;
    if (how === "reset" && Math.random() < 0.7) socket.resetAndDestroy();
    else if (how === "torn") {
      socket.write(`${head}Content-Length: ${length + 10}\r\n\r\n`);
      socket.write(body, () => socket.destroy());
    } else if (how === "close") socket.end(Buffer.concat([Buffer.from(`${head}\r\n`), body]));
    else if (how === "pieces") {
      socket.write(`HTTP/1.1 103 Early Hints\r\nX-Owner: ${owner}\r\n\r\n${head}${lines}\r\n`);
      for (let at = 0; at < bytes.length; at += 30_000) socket.write(bytes.subarray(at, at + 30_000));
    } else socket.write(Buffer.concat([Buffer.from(`${head}${lines}\r\n`), bytes]));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    atEnd(() => this.server.close());
    return `127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }
}

let counter = 0;

/** One connection with some requests; throws when a byte is not its own. Returns how many answers it checked. */
async function visit(port: number): Promise<number> {
  const client = await RawClient.connect(port);
  const count = pick(1, 2, 5);
  const asked = Array.from({ length: count }, () => {
    const owner = (0xa0000000 + counter++).toString(16);
    const [up, down] = [anyLength(), anyLength()];
    const how = pick("whole", "whole", "pieces", "pieces", "close", "reset", "torn");
    const [lines, bytes] = framed(marked(owner, up));
    const head = `${pick("PUT", "POST")} /${owner}/${up}/${down}/${how} HTTP/1.1\r\nHost: a\r\nX-Owner: ${owner}\r\n${lines}\r\n`;
    return { owner, down, how, bytes: Buffer.concat([Buffer.from(head), bytes]) };
  });
  const pipelined = pick(true, false);
  let checked = 0;
  const leave = Math.random() < 0.2;
  if (pipelined) void client.send(Buffer.concat(asked.map(({ bytes }) => bytes)));
  for (const { owner, down, how, bytes } of asked) {
    if (!pipelined) void client.send(bytes);
    if (leave && Math.random() < 0.5) {
      client.reset();
      return checked;
    }
    if (Math.random() < 0.2) {
      // A slow reader: what it does not take piles up on the way.
      client.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 30));
      client.socket.resume();
    }
    let answer;
    try {
      answer = await client.response("GET", 15_000);
    } catch (error) {
      if (!/connection ended/.test(String(error))) throw error;
      // Torn on purpose, or the server's side failed after the answer had begun: what came must be its own.
      const rest = client.unread.toString("latin1");
      for (const [, block] of rest.matchAll(/([A-F][0-9A-F]{7})[0-9a-f]{8}/g))
        if (block !== owner.toUpperCase()) throw new Error(`${owner} got bytes of ${block}`, { cause: error });
      // A connection that is cut may take the end of an earlier answer with it.
      if (!asked.some((other) => other.how === "torn"))
        throw new Error(`${owner} (${how}): ${String(error)}`, { cause: error });
      return checked;
    }
    if (answer.status === 200) {
      if (answer.headers["x-owner"] !== owner) throw new Error(`${owner} got the head of ${answer.headers["x-owner"]}`);
      if (!answer.body.equals(marked(owner.toUpperCase(), down))) throw new Error(`${owner} (${how}) got a wrong body`);
      checked++;
    } else if (answer.status !== 502 || how !== "reset") throw new Error(`${owner} (${how}) got ${answer.status}`);
    if (answer.headers["connection"] === "close") break;
  }
  client.socket.destroy();
  return checked;
}

describe("bodies of many clients at once", () => {
  it(
    "reach nobody but whom they are meant for, whatever happens on the way",
    { timeout: DURATION + 40_000 },
    async () => {
      const servers = [new CheckingServer(), new CheckingServer(), new CheckingServer()];
      const addresses = await Promise.all(servers.map((server) => server.listen()));
      // Servers that misbehave would be taken out.
      const evenkeel = await startProxy(addresses, { workers: 2, pool: { outlierDetection: "off" } });
      const end = Date.now() + DURATION;
      let checked = 0;
      const visitor = async () => {
        while (Date.now() < end) {
          const answers = await visit(evenkeel.port());
          checked += answers;
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, visitor));
      expect(servers.flatMap(({ wrong }) => wrong)).toEqual([]);
      expect(checked).toBeGreaterThan(50);
      expect(evenkeel.log.slice(1).filter((line) => !/bad response/.test(line))).toEqual([]);
    },
  );
});
