import { once } from "node:events";
import * as http2 from "node:http2";
import { createServer, type AddressInfo, type Socket } from "node:net";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HpackDecoder } from "../../src/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../src/http2/hpack/encoder.ts";
import { decodeList, headerList, type HeaderList } from "./hpack-header-lists.ts";

/*
 * node:http2 (which is nghttp2) over a real connection as the other side of both codecs: what its client encodes, our
 * decoder reads, and what our encoder answers, its client reads.
 */

const HEADERS = 1;
const SETTINGS = 4;
const PING = 6;
const CONTINUATION = 9;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const HEADER_TABLE_SIZE = 1;
const PREFACE_LENGTH = 24;

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** As much of an HTTP/2 server as answers requests without bodies, one after the other. */
class Peer {
  readonly requests: HeaderList[] = [];
  error: unknown = null;
  readonly #decoder: HpackDecoder;
  readonly #encoder = new HpackEncoder();
  readonly #socket: Socket;
  readonly #answers: HeaderList[];
  #received = Buffer.alloc(0);
  #block = Buffer.alloc(0);

  constructor(socket: Socket, tableSize: number, answers: HeaderList[]) {
    this.#socket = socket;
    this.#answers = answers;
    this.#decoder = new HpackDecoder(tableSize);
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(HEADER_TABLE_SIZE, 0);
    settings.writeUInt32BE(tableSize, 2);
    socket.write(frame(SETTINGS, 0, 0, settings));
    let preface = PREFACE_LENGTH;
    socket.on("data", (data) => {
      const skipped = Math.min(preface, data.length);
      preface -= skipped;
      this.#received = Buffer.concat([this.#received, data.subarray(skipped)]);
      try {
        while (this.#next());
      } catch (error) {
        this.error = error;
        socket.destroy();
      }
    });
    socket.on("error", () => socket.destroy());
  }

  #next(): boolean {
    if (this.#received.length < 9) return false;
    const length = this.#received.readUIntBE(0, 3);
    if (this.#received.length < 9 + length) return false;
    const [type, flags] = [this.#received[3], this.#received[4]];
    const stream = this.#received.readUInt32BE(5);
    const payload = this.#received.subarray(9, 9 + length);
    this.#received = this.#received.subarray(9 + length);
    if (type === SETTINGS && flags === ACK) this.#decoder.settingsAcknowledged();
    else if (type === SETTINGS) {
      for (let at = 0; at < length; at += 6)
        if (payload.readUInt16BE(at) === HEADER_TABLE_SIZE) this.#encoder.setMaxTableSize(payload.readUInt32BE(at + 2));
      this.#socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    } else if (type === PING && flags === 0) this.#socket.write(frame(PING, ACK, 0, payload));
    else if (type === HEADERS || type === CONTINUATION) {
      // Node.js writes neither padding nor priority by itself.
      this.#block = Buffer.concat([this.#block, payload]);
      if ((flags & END_HEADERS) !== 0) this.#request(stream);
    }
    return true;
  }

  #request(stream: number): void {
    const list = decodeList(this.#decoder, this.#block);
    this.#block = Buffer.alloc(0);
    const answer = this.#answers[this.requests.length];
    this.requests.push(list);
    const lines = answer.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    this.#encoder.begin();
    this.#encoder.status(200 + (this.requests.length % 7));
    this.#encoder.lines(lines, 0, lines.length);
    const block = this.#encoder.buffer.subarray(0, this.#encoder.length);
    // Nothing here is above the least frame size that everybody takes.
    this.#socket.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, block));
  }
}

/** Names once only, because Node.js joins or refuses what stands twice, and without those that it treats by itself. */
const plainList = headerList.map((list) => {
  const once = new Map(list.filter(([name, value]) => !/^(set-)?cookie$|^content-length$/.test(name) && value !== ""));
  let size = 0;
  return [...once].filter(([, value]) => (size += value.length) < 12_000);
});

async function exchange(
  ours: number,
  theirs: number,
  requests: HeaderList[],
  answers: HeaderList[],
): Promise<{ received: HeaderList[]; answered: HeaderList[]; statuses: number[] }> {
  let peer!: Peer;
  const server = createServer((socket) => (peer = new Peer(socket, ours, answers)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    settings: { headerTableSize: theirs },
  });
  const failed = once(client, "error").then(([error]) => {
    throw error;
  });
  failed.catch(() => undefined);
  const answered: HeaderList[] = [];
  const statuses: number[] = [];
  try {
    for (const [i, list] of requests.entries()) {
      // The table's size changes in the middle, back and forth.
      if (i === 10) client.settings({ headerTableSize: 64 });
      if (i === 20) client.settings({ headerTableSize: theirs });
      const headers: http2.OutgoingHttpHeaders = { ":path": `/${i % 3}`, ...Object.fromEntries(list) };
      if (i % 2 === 1) headers[http2.sensitiveHeaders as unknown as string] = list.slice(0, 1).map(([name]) => name);
      const request = client.request(headers);
      const closed = once(request, "close");
      const [response] = await Promise.race([once(request, "response"), failed]);
      request.resume();
      await Promise.race([closed, failed]);
      statuses.push(response[":status"]);
      answered.push(Object.entries(response as Record<string, string>).filter(([name]) => !name.startsWith(":")));
    }
    expect(peer.error).toBeNull();
    return { received: peer.requests, answered, statuses };
  } finally {
    client.destroy();
    server.close();
  }
}

function sorted(list: HeaderList): string[] {
  return list.map(([name, value]) => `${name}: ${value}`).sort();
}

describe("HPACK against node:http2", () => {
  const sizes = [
    [4096, 4096],
    [0, 0],
    [100, 65_536],
    [65_536, 100],
    [4096, 256],
    [300, 4096],
  ];
  it.each(sizes)("both directions, we announce %i and they %i", async (ours, theirs) => {
    const seed = ours * 7 + theirs;
    const requests = fc.sample(plainList, { numRuns: 40, seed });
    const answers = fc.sample(plainList, { numRuns: 40, seed: seed + 1 });
    // Half of them come again, so that tables are used.
    for (let i = 1; i < 40; i += 2) {
      requests[i] = requests[i - 1];
      answers[i] = answers[i >> 1];
    }
    const { received, answered, statuses } = await exchange(ours, theirs, requests, answers);
    requests.forEach((list, i) => {
      expect(received[i].filter(([name]) => name.startsWith(":")).map(([name]) => name)).toHaveLength(4);
      expect(Object.fromEntries(received[i])[":path"]).toBe(`/${i % 3}`);
      expect(sorted(received[i].filter(([name]) => !name.startsWith(":")))).toEqual(sorted(list));
      expect(sorted(answered[i])).toEqual(sorted(answers[i]));
    });
    expect(statuses).toEqual(requests.map((_, i) => 200 + ((i + 1) % 7)));
  });
});
