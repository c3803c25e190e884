import { Alert, type TlsFault } from "./alert.ts";
import { parseClientHello, type ClientHello } from "./client-hello.ts";

/** What a reader says after each piece: more is needed; `hello` is there; or this is not TLS, see `fault`. */
export const NEED_MORE = 0;
export const COMPLETE = 1;
export const REFUSED = 2;
export type ReaderState = typeof NEED_MORE | typeof COMPLETE | typeof REFUSED;

/** How much a client may send until its ClientHello is complete. */
export interface HelloLimits {
  /** Longest ClientHello in bytes, with its header of four. */
  readonly maxHello: number;
  /** Most records that it may be spread over. */
  readonly maxRecords: number;
}

/**
 * Today's longest hellos, with keys of several post-quantum groups and a ticket with a certificate chain, stay below
 * 16 KiB. Clients that cut their hello into records do it in a few; one for every byte of a usual hello is still taken.
 */
export const HELLO_LIMITS: HelloLimits = { maxHello: 32_768, maxRecords: 2_048 };

const HANDSHAKE = 22;
const ALERT = 21;
const CLIENT_HELLO = 1;
const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;
/** Longest fragment of a record (RFC 8446 5.1). */
const MAX_FRAGMENT = 16_384;
const FIRST_CAPACITY = 2048;

/**
 * Finds the ClientHello at the beginning of a connection, however its bytes are cut into reads and into records
 * (RFC 8446 5.1). Does no I/O, never throws, and holds `maxHello` bytes at most. What comes behind the ClientHello, in
 * the same record or in later ones, is not looked at.
 */
export class ClientHelloReader {
  /** After COMPLETE. */
  hello: ClientHello | null = null;
  /** After REFUSED. */
  fault: TlsFault | null = null;
  readonly #limits: HelloLimits;
  #state: ReaderState = NEED_MORE;
  /** Bytes of the present record's header that are there, and the length that they give. */
  #header = 0;
  #fragment = 0;
  #records = 0;
  /** The message so far, with its header. */
  #message = new Uint8Array(0);
  #have = 0;
  /** Length of the whole message; that of its header until this is there. */
  #need = MESSAGE_HEADER;

  constructor(limits: HelloLimits = HELLO_LIMITS) {
    this.#limits = limits;
  }

  /** The next bytes of the connection: bytes[start, end). Once the state is not NEED_MORE it stays as it is. */
  read(bytes: Uint8Array, start: number, end: number): ReaderState {
    for (let at = start; at < end && this.#state === NEED_MORE;) {
      if (this.#header < RECORD_HEADER) {
        this.#readHeader(bytes[at++]!);
        continue;
      }
      const length = Math.min(end - at, this.#fragment, this.#need - this.#have);
      this.#append(bytes, at, length);
      at += length;
    }
    return this.#state;
  }

  #readHeader(byte: number): void {
    switch (this.#header++) {
      case 0:
        if (byte !== HANDSHAKE) this.#refuse(Alert.unexpectedMessage, whatBeginsWith(byte));
        return;
      case 1:
        // The minor number means nothing (RFC 8446 5.1: the version is ignored for all purposes).
        if (byte !== 3) this.#refuse(Alert.protocolVersion, "not a TLS record");
        return;
      case 3:
        this.#fragment = byte * 256;
        return;
      case 4:
        this.#fragment += byte;
        if (this.#fragment > MAX_FRAGMENT) this.#refuse(Alert.recordOverflow, "a record is longer than 16 KiB");
        // Must not be sent (RFC 8446 5.1), and would be a way to keep us busy.
        else if (this.#fragment === 0) this.#refuse(Alert.unexpectedMessage, "a record of the handshake is empty");
        else if (++this.#records > this.#limits.maxRecords)
          this.#refuse(Alert.unexpectedMessage, "the ClientHello is spread over too many records");
        return;
      default:
    }
  }

  #append(bytes: Uint8Array, from: number, length: number): void {
    this.#grow(this.#have + length);
    this.#message.set(bytes.subarray(from, from + length), this.#have);
    this.#have += length;
    this.#fragment -= length;
    if (this.#fragment === 0) this.#header = 0;
    if (this.#message[0] !== CLIENT_HELLO) this.#refuse(Alert.unexpectedMessage, "the handshake begins otherwise");
    else if (this.#have === this.#need) this.#haveAll();
  }

  /** The header of the message is complete, or the message. */
  #haveAll(): void {
    if (this.#need === MESSAGE_HEADER) {
      const [, high, middle, low] = this.#message;
      this.#need += high! * 65_536 + middle! * 256 + low!;
      if (this.#need > this.#limits.maxHello) this.#refuse(Alert.illegalParameter, "the ClientHello is too long");
      else if (this.#need > MESSAGE_HEADER) return;
    }
    if (this.#state !== NEED_MORE) return;
    const result = parseClientHello(this.#message, MESSAGE_HEADER, this.#need);
    if ("alert" in result) return this.#refuse(result.alert, result.reason);
    this.hello = result;
    this.#settle(COMPLETE);
  }

  /** Room is made as bytes come: a length that was only announced costs nothing. */
  #grow(wanted: number): void {
    const { length } = this.#message;
    if (wanted <= length) return;
    const message = new Uint8Array(Math.min(this.#limits.maxHello, Math.max(FIRST_CAPACITY, wanted, 2 * length)));
    message.set(this.#message.subarray(0, this.#have));
    this.#message = message;
  }

  #refuse(alert: TlsFault["alert"], reason: string): void {
    this.fault = { alert, reason };
    this.#settle(REFUSED);
  }

  #settle(state: ReaderState): void {
    this.#state = state;
    this.#message = new Uint8Array(0);
  }
}

/** What a connection seems to be whose first byte does not begin a handshake. */
function whatBeginsWith(byte: number): string {
  if (byte === ALERT) return "an alert instead of a ClientHello";
  if (byte >= 0x20 && byte < 0x7f) return "text, such as HTTP, instead of TLS";
  return byte >= 0x80 ? "SSL 2.0 or something else instead of TLS" : "not TLS";
}
