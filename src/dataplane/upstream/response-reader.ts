import { errors, type ProxyError } from "../../core/errors.ts";
import { ChunkedDecoder } from "../../http1/chunked.ts";
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  BODY_UNTIL_CLOSE,
  bodyKind,
  parseResponseHead,
  ResponseHead,
} from "../../http1/response-head.ts";
import { giveReadBuffer, sharedReadBuffer, takeReadBuffer } from "../transport.ts";
import type { UpstreamUser } from "./upstream-user.ts";

/** 1xx answers that one request may get before its real one. */
const MAX_INFORMATIONAL = 16;
/** Answers up to this many bytes that come in one read go on as one string. */
const WHOLE_LIMIT = 16_384;

const headLimits = { maxRequestLine: 8192, maxHeadSize: 65_536, maxHeaders: 256 };

/** Heads are used up within the call that brings them, so one serves all connections whose head comes in one piece. */
const sharedHead = new ResponseHead();

/** The connection whose answers are read: what becomes of it is its own business. */
export interface AnsweredConnection {
  /** Where the next read goes. */
  readBuffer: Buffer;
  /** Who gets the answer; null or another one once the exchange is over. */
  readonly user: UpstreamUser | null;
  /** The head was passed on, and a body follows. */
  onBodyBegins(): void;
  /** Bytes of the body were passed on; the user wants more or not yet. */
  onBodyMoved(goOn: boolean): void;
  /** The answer is complete. */
  onAnswered(trailers: string): void;
  /** The answer is not valid HTTP. */
  onRefused(reason: string): void;
  onFailed(error: ProxyError): void;
  /** From now on bytes go both ways. */
  onUpgrade(): void;
}

/** Reads the answers of one connection: heads, framing, and who owns the bytes. */
export class ResponseReader {
  /** Whether the connection may be used again after the present answer. */
  keepAlive = false;
  readonly #connection: AnsweredConnection;
  #bodyKind: number = BODY_NONE;
  #bodyLeft = 0;
  #informational = 0;
  /** Bytes of a head of which more is missing, and the head itself, which remembers how far it was read. */
  #partial = "";
  #ownHead: ResponseHead | null = null;
  #decoder: ChunkedDecoder | null = null;
  /** The bytes being handed on are a copy of what was read, and whether the user kept them. */
  #inCopy = false;
  #taken = false;

  constructor(connection: AnsweredConnection) {
    this.#connection = connection;
  }

  /** The answer to another request comes next. */
  begin(): void {
    this.#informational = 0;
  }

  /** Part of a head has come. */
  get inHead(): boolean {
    return this.#partial !== "";
  }

  /** The body goes on until the connection ends. */
  get endsWithConnection(): boolean {
    return this.#bodyKind === BODY_UNTIL_CLOSE;
  }

  /** The user took the bytes that it was given; the next read goes elsewhere. */
  replaceBuffer(): void {
    this.#taken = true;
    if (!this.#inCopy) this.#connection.readBuffer = takeReadBuffer();
  }

  /** Bytes have come while a head was due. */
  readHead(buffer: Buffer, length: number): void {
    const cut = Math.min(length, WHOLE_LIMIT);
    const before = this.#partial.length;
    const text = before === 0 ? buffer.latin1Slice(0, cut) : this.#partial + buffer.latin1Slice(0, cut);
    const user = this.#connection.user!;
    let head = this.#ownHead;
    if (head === null) {
      if (user.keepsHead) head = this.#ownHead = new ResponseHead();
      else head = sharedHead;
      head.reset();
    }
    const status = parseResponseHead(head, text, 0, headLimits, user.method, before === 0 ? buffer : null);
    if (status === 0) {
      if (head === sharedHead) {
        // Another connection will use the shared one before more bytes come.
        this.#ownHead = new ResponseHead();
        this.#ownHead.reset();
      }
      if (cut < length) {
        this.#partial = before === 0 ? buffer.latin1Slice(0, length) : this.#partial + buffer.latin1Slice(0, length);
        const again = parseResponseHead(this.#ownHead!, this.#partial, 0, headLimits, user.method);
        if (again === 0) return;
        if (again === 2) return this.#refuse(this.#ownHead!.error);
        return this.#gotHead(
          this.#ownHead!,
          this.#partial,
          buffer,
          length - (this.#partial.length - this.#ownHead!.end),
          length,
        );
      }
      this.#partial = text;
      return;
    }
    if (status === 2) return this.#refuse(head.error);
    this.#gotHead(head, text, buffer, head.end - before, length);
  }

  /** `from`: where in the buffer the bytes behind the head begin. */
  #gotHead(head: ResponseHead, text: string, buffer: Buffer, from: number, length: number): void {
    const user = this.#connection.user!;
    this.#partial = "";
    this.#ownHead = null;
    if (head.status < 200) {
      if (head.status === 101) return this.#upgrade(head, buffer, from, length);
      if (++this.#informational > MAX_INFORMATIONAL) return this.#connection.onRefused("too many 1xx answers");
      user.onInformational(head);
      if (from < length && this.#connection.user === user) {
        // The real answer is in the same read; it is rare enough to be copied to where a read would have put it.
        const rest = Buffer.from(buffer.subarray(from, length));
        this.readHead(rest, rest.length);
      }
      return;
    }
    const kind = bodyKind(head, user.method);
    this.#bodyKind = kind;
    this.keepAlive = head.keepAlive && kind !== BODY_UNTIL_CLOSE;
    const available = length - from;
    if (
      kind === BODY_NONE ||
      (kind === BODY_LENGTH && head.contentLength <= available && head.end + head.contentLength <= text.length)
    ) {
      const size = kind === BODY_NONE ? 0 : head.contentLength;
      if (available > size) this.keepAlive = false;
      user.onWholeResponse(head, text, head.end, head.end + size);
      if (this.#connection.user === user) this.#connection.onAnswered("");
      return;
    }
    if (kind === BODY_CHUNKED) {
      const decoder = (this.#decoder ??= new ChunkedDecoder());
      decoder.reset();
      if (user.takesChunks && length <= WHOLE_LIMIT && from < length && wholePlainBody(decoder, buffer, from, length)) {
        const end = head.end + (decoder.position - from);
        if (decoder.position < length) this.keepAlive = false;
        user.onWholeResponse(head, text, head.end, end);
        if (this.#connection.user === user) this.#connection.onAnswered("");
        return;
      }
      decoder.reset();
    }
    this.#bodyLeft = kind === BODY_LENGTH ? head.contentLength : 0;
    this.#connection.onBodyBegins();
    user.onResponseHead(head, kind, from < length);
    if (this.#connection.user !== user) return;
    if (kind !== BODY_CHUNKED && this.#connection.readBuffer === sharedReadBuffer) {
      this.#connection.readBuffer = takeReadBuffer();
      if (from < length) this.#readCopied(buffer, from, length);
    } else if (from < length) this.readBody(buffer, from, length);
  }

  /** The beginning of a body that lies in the shared buffer. */
  #readCopied(buffer: Buffer, from: number, length: number): void {
    const copy = takeReadBuffer();
    buffer.copy(copy, 0, from, length);
    this.#inCopy = true;
    this.#taken = false;
    this.readBody(copy, 0, length - from);
    this.#inCopy = false;
    if (!this.#taken) giveReadBuffer(copy);
  }

  /** Bytes of the body have come. */
  readBody(buffer: Buffer, from: number, length: number): void {
    const user = this.#connection.user!;
    if (this.#bodyKind === BODY_CHUNKED) return this.#readChunks(buffer, from, length);
    let to = length;
    if (this.#bodyKind === BODY_LENGTH && length - from >= this.#bodyLeft) {
      to = from + this.#bodyLeft;
      if (to < length) this.keepAlive = false;
    }
    this.#bodyLeft -= to - from;
    const goOn = user.onResponseData(buffer, from, to);
    if (this.#connection.user !== user) return;
    if (this.#bodyKind === BODY_LENGTH && this.#bodyLeft === 0) this.#connection.onAnswered("");
    else this.#connection.onBodyMoved(goOn);
  }

  #readChunks(buffer: Buffer, from: number, length: number): void {
    const user = this.#connection.user!;
    const decoder = this.#decoder!;
    let position = from;
    let goOn = true;
    for (;;) {
      const event = decoder.next(buffer, position, length);
      position = decoder.position;
      if (event === 1) {
        if (!user.onResponseData(buffer, decoder.dataStart, decoder.dataEnd)) goOn = false;
        if (this.#connection.user !== user) return;
      } else if (event === 2) {
        if (position < length) this.keepAlive = false;
        return this.#connection.onAnswered(decoder.trailers);
      } else if (event === 0) break;
      else return this.#refuse(decoder.error);
    }
    this.#connection.onBodyMoved(goOn);
  }

  #upgrade(head: ResponseHead, buffer: Buffer, from: number, length: number): void {
    const user = this.#connection.user!;
    if (!user.wantsUpgrade) return this.#connection.onFailed(errors.unexpectedUpgrade);
    if (!head.upgrade)
      return this.#connection.onRefused("101 without Upgrade and Connection: upgrade (RFC 9110 15.2.2)");
    this.#connection.onUpgrade();
    user.onUpgraded(head, Buffer.from(buffer.subarray(from, length)));
  }

  #refuse(error: { readonly reason: string } | null): void {
    this.#connection.onRefused(error === null ? "malformed" : error.reason);
  }
}

/** Whether the whole chunked body is there, in a form that may go on as it is: no extensions, no trailers. */
function wholePlainBody(decoder: ChunkedDecoder, buffer: Buffer, from: number, length: number): boolean {
  let position = from;
  for (;;) {
    const event = decoder.next(buffer, position, length);
    position = decoder.position;
    if (event !== 1) return event === 2 && decoder.plain && decoder.trailers === "";
  }
}
