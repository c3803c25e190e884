import { ChunkedDecoder } from "../../http1/chunked.ts";
import type { RequestHead } from "../../http1/request-head.ts";
import { giveReadBuffer, READ_SIZE, sharedReadBuffer, takeReadBuffer } from "../transport.ts";
import { BodyMeter } from "./body-meter.ts";
import type { ConnectionHost } from "./connection-host.ts";
import type { Exchange } from "./exchange.ts";

/** The connection that bytes are read for. */
export interface BodySource {
  readBuffer: Buffer;
  deadline: number;
  /** The exchange whose body is being read; another one or null once it is over. */
  readonly current: Exchange | null;
  /** The other side cannot take more at the moment. */
  pauseReading(): void;
  /** The body is complete. */
  bodyDone(): void;
}

/** Reads one request body after another: framing, limits, and who owns the bytes. One per connection that had a body. */
export class BodyReader {
  readonly #source: BodySource;
  readonly #host: ConnectionHost;
  #decoder: ChunkedDecoder | null = null;
  #chunked = false;
  #left = 0;
  readonly #meter = new BodyMeter();

  constructor(source: BodySource, host: ConnectionHost) {
    this.#source = source;
    this.#host = host;
  }

  begin(head: RequestHead): void {
    this.#chunked = head.chunked;
    this.#left = head.contentLength;
    this.#meter.begin(this.#host.context.now);
    if (head.chunked) {
      this.#decoder ??= new ChunkedDecoder();
      this.#decoder.reset();
    }
  }

  /** The other side cannot take more: the rate is not the client's from here on. */
  paused(): void {
    this.#meter.paused = true;
  }

  /** From here on the rate is the client's own again. */
  resumed(): void {
    this.#meter.resumed(this.#host.context.now);
  }

  /** Takes what of buffer[from, length) belongs to the body; returns where that ends. */
  read(buffer: Buffer, from: number, length: number): number {
    return this.#chunked ? this.#readChunks(buffer, from, length) : this.#readLength(buffer, from, length);
  }

  #readLength(buffer: Buffer, from: number, length: number): number {
    const source = this.#source;
    const exchange = source.current!;
    const { request } = exchange.leg;
    const to = Math.min(length, from + this.#left);
    this.#left -= to - from;
    if (!this.#check(exchange, to - from)) return length;
    const shared = buffer === sharedReadBuffer;
    const filtered = request.filtersBody;
    const piece = shared || filtered ? copyOf(buffer, from, to) : buffer;
    const bytes = piece === buffer ? buffer.subarray(from, to) : piece.subarray(0, to - from);
    const goOn = filtered ? request.sendFiltered(bytes) : request.send(bytes);
    if (shared) {
      // With the head, and before the copy's fate is looked at.
      request.flush();
      if (piece.length === READ_SIZE && !filtered && request.taken) giveReadBuffer(piece);
    }
    if (source.current !== exchange) return length;
    // More is coming: it goes to a buffer that can be handed on as it is.
    if (shared ? this.#left > 0 : !request.taken) source.readBuffer = takeReadBuffer();
    if (this.#left === 0) {
      // With the next request behind it, the buffer is still being read.
      if (!shared && to === length && request.taken) giveReadBuffer(source.readBuffer);
      this.#done(exchange, "");
    }
    if (this.#left > 0 && !goOn) source.pauseReading();
    return to;
  }

  #readChunks(buffer: Buffer, from: number, length: number): number {
    const source = this.#source;
    const exchange = source.current!;
    const { request } = exchange.leg;
    const decoder = this.#decoder!;
    let position = from;
    let goOn = true;
    for (;;) {
      const event = decoder.next(buffer, position, length);
      position = decoder.position;
      if (event === 1) {
        const data = buffer.subarray(decoder.dataStart, decoder.dataEnd);
        if (!this.#check(exchange, data.length)) return length;
        if (!(request.filtersBody ? request.sendFiltered(Buffer.from(data)) : request.sendBorrowed(data))) goOn = false;
        if (source.current !== exchange) return length;
      } else if (event === 2) {
        this.#done(exchange, decoder.trailers);
        return position;
      } else if (event === 0) {
        if (!goOn) source.pauseReading();
        return length;
      } else {
        this.#host.clients.refused(this.#host.slot);
        exchange.refuse(decoder.error!);
        return length;
      }
    }
  }

  #done(exchange: Exchange, trailers: string): void {
    this.#source.bodyDone();
    exchange.leg.request.end(trailers);
  }

  /** Counts bytes of the body; false when the request was refused for their number or rate. */
  #check(exchange: Exchange, bytes: number): boolean {
    const { limits } = this.#host.plan.config;
    const { now } = this.#host.context;
    this.#source.deadline = now + limits.bodyTimeout;
    const error = this.#meter.count(bytes, now, limits);
    if (error === null) return true;
    exchange.refuse(error);
    return false;
  }
}

/** Below this, a slice of Node's own pool is cheaper than one of our read buffers. */
const SMALL = 4096;

/** buffer[from, to) in a buffer of its own, which may be longer. */
function copyOf(buffer: Buffer, from: number, to: number): Buffer {
  if (to - from <= SMALL) return Buffer.from(buffer.subarray(from, to));
  const copy = takeReadBuffer();
  buffer.copy(copy, 0, from, to);
  return copy;
}
