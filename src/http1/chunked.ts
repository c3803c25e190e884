import { FIELD_VALUE, HEX_VALUE, TOKEN } from "./characters.ts";
import {
  BARE_CARRIAGE_RETURN,
  BARE_LINE_FEED,
  CHUNK_EXTENSION_TOO_LONG,
  INVALID_CHUNK_END,
  INVALID_CHUNK_EXTENSION,
  INVALID_CHUNK_SIZE,
  TOO_MANY_HEADERS,
  TRAILERS_TOO_LARGE,
  type ProtocolError,
} from "./protocol-error.ts";
import { TrailerSection } from "./trailers.ts";

/** What `ChunkedDecoder.next` found. */
export type ChunkedEvent = 0 | 1 | 2 | 3;

/** All bytes are used up and the body goes on. */
export const CHUNK_NEED_MORE = 0;
/** buffer[dataStart, dataEnd) is content; go on at `position`. */
export const CHUNK_DATA = 1;
/** The body is over; `position` is behind it, and `trailers` holds its trailer lines. */
export const CHUNK_END = 2;
/** The body is malformed (`error`); nothing behind can be told apart any more. */
export const CHUNK_ERROR = 3;

// States: what the next byte belongs to.
const SIZE = 0;
const EXTENSION_NAME = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const AFTER_LAST = 7;
const FINAL_LF = 8;
const TRAILERS = 9;
const DONE = 10;
const FAILED = 11;

// Values of `skipStart` that are no position.
const CLOSED = -1;
const CARRIED_OVER = -2;

const MAX_SIZE_DIGITS = 16;
const MAX_CHUNK_EXTENSION = 256;
const MAX_BODY_EXTENSIONS = 8 * 1024;
const MAX_TRAILER_SIZE = 8 * 1024;
const MAX_TRAILERS = 64;

/**
 * Decodes a chunked body (RFC 9112 7.1) from pieces of bytes, without copying or holding content.
 *
 * A relay that passes the framing on calls `mark()` before each piece, then `next` until it returns something other than
 * CHUNK_DATA, and then sends `forwardable(buffer, start)`: the received bytes themselves while the body is `plain`, otherwise a
 * copy without the chunk extensions and with the trailers that may be passed on. One that changes the
 * content or takes the framing off uses the CHUNK_DATA events instead, from the first piece to the last.
 */
export class ChunkedDecoder {
  /** Content found by the last CHUNK_DATA, as a range of the buffer that `next` got. */
  dataStart = 0;
  dataEnd = 0;
  /** Where the next call goes on, in the buffer that the last one got. */
  position = 0;
  error: ProtocolError | null = null;
  /** Complete trailer lines (`Name: value` CRLF) without those forbidden in trailers; set by CHUNK_END. */
  trailers = "";
  /**
   * Whether everything since the last `reset` or `mark` was sizes, content and line ends without extensions and trailers, so
   * that the received bytes may be passed on unchanged.
   */
  plain = true;

  private state = SIZE;
  /** Content bytes of this chunk that have not come yet; while in SIZE, the size so far. */
  private remaining = 0;
  private digits = 0;
  /** Length of this chunk's extensions, and of all of this body. */
  private extensionLength = 0;
  private extensionsLength = 0;
  private section: TrailerSection | null = null;
  /** Ranges of the piece that must not be passed on, as pairs of positions. */
  private readonly skipped: number[] = [];
  /** Where the skipped range begins that is not closed yet; `CLOSED`, or `CARRIED_OVER` from the piece before. */
  private skipStart = CLOSED;

  /** Makes ready for another body. */
  reset(): void {
    this.dataStart = 0;
    this.dataEnd = 0;
    this.position = 0;
    this.error = null;
    this.trailers = "";
    this.state = SIZE;
    this.remaining = 0;
    this.digits = 0;
    this.extensionLength = 0;
    this.extensionsLength = 0;
    this.skipStart = CLOSED;
    this.section?.reset();
    this.mark();
  }

  /** Begins a new piece: `plain` and `forwardable` tell about what comes from here on. */
  mark(): void {
    this.plain = this.skipStart === CLOSED;
    if (!this.plain) this.skipStart = CARRIED_OVER;
    this.skipped.length = 0;
  }

  /** Whether the body is over. */
  get done(): boolean {
    return this.state === DONE;
  }

  /**
   * Decodes from buffer[start, end) up to the next event. After CHUNK_DATA call again with `position` as the start. The content of
   * one chunk comes in as many events as pieces it is spread over. After CHUNK_END and CHUNK_ERROR nothing more is decoded until
   * `reset`.
   */
  next(buffer: Uint8Array, start: number, end: number): ChunkedEvent {
    let i = start;
    while (i < end && this.state < DONE) {
      if (this.state === DATA) return this.takeData(i, end);
      if (this.state === TRAILERS) return this.takeTrailers(buffer, i, end);
      const error = this.step(buffer[i], i);
      if (error !== null) return this.fail(error, i);
      // The first byte of a trailer line was only looked at.
      if (this.state !== TRAILERS) i++;
    }
    this.position = i;
    if (this.state === FAILED) return CHUNK_ERROR;
    return this.state === DONE ? CHUNK_END : CHUNK_NEED_MORE;
  }

  /**
   * The bytes to pass on for buffer[start, position): `start` is where the piece began, `position` is what the last `next`
   * left. The same memory while `plain`; with the trailers once the body has ended.
   */
  forwardable(buffer: Uint8Array, start: number): Uint8Array {
    const end = this.position;
    if (this.plain) return buffer.subarray(start, end);
    const open = this.skipStart !== CLOSED;
    // Skipping is still on at the end of the body only if there were trailer lines: they and the last CRLF are written anew.
    const tail = open && this.state === DONE ? `${this.trailers}\r\n` : "";
    const kept = new Uint8Array(end - start + tail.length);
    let length = 0;
    let from = start;
    for (let i = 0; i <= this.skipped.length; i += 2) {
      const last = i === this.skipped.length;
      const to = !last ? this.skipped[i] : !open ? end : this.skipStart === CARRIED_OVER ? from : this.skipStart;
      // A range that was carried over begins where the piece does.
      if (to > from) {
        kept.set(buffer.subarray(from, to), length);
        length += to - from;
      }
      if (!last) from = this.skipped[i + 1];
    }
    for (let i = 0; i < tail.length; i++) kept[length++] = tail.charCodeAt(i);
    return kept.subarray(0, length);
  }

  private takeData(start: number, end: number): ChunkedEvent {
    const taken = this.remaining < end - start ? this.remaining : end - start;
    this.dataStart = start;
    this.dataEnd = start + taken;
    this.position = start + taken;
    this.remaining -= taken;
    if (this.remaining === 0) this.state = DATA_CR;
    return CHUNK_DATA;
  }

  private takeTrailers(buffer: Uint8Array, start: number, end: number): ChunkedEvent {
    const section = (this.section ??= new TrailerSection());
    const room = MAX_TRAILER_SIZE - section.size;
    const to = end - start > room ? start + room : end;
    const result = section.push(buffer, start, to, MAX_TRAILERS);
    if (typeof result !== "number") return this.fail(result === TOO_MANY_HEADERS ? TRAILERS_TOO_LARGE : result, start);
    if (result < 0) {
      if (section.size >= MAX_TRAILER_SIZE) return this.fail(TRAILERS_TOO_LARGE, start);
      this.position = end;
      return CHUNK_NEED_MORE;
    }
    this.position = result;
    this.trailers = section.keptLines();
    this.state = DONE;
    return CHUNK_END;
  }

  private fail(error: ProtocolError, position: number): ChunkedEvent {
    this.state = FAILED;
    this.error = error;
    this.position = position;
    return CHUNK_ERROR;
  }

  /** Takes one byte of the framing, at `position`. */
  private step(byte: number, position: number): ProtocolError | null {
    switch (this.state) {
      case SIZE:
        return this.stepSize(byte, position);
      case EXTENSION_NAME:
      case EXTENSION:
        return this.stepExtension(byte, position);
      case SIZE_LF:
        if (byte !== 10) return BARE_CARRIAGE_RETURN;
        this.state = this.remaining === 0 ? AFTER_LAST : DATA;
        this.digits = 0;
        return null;
      case DATA_CR:
        if (byte !== 13) return INVALID_CHUNK_END;
        this.state = DATA_LF;
        return null;
      case DATA_LF:
        if (byte !== 10) return INVALID_CHUNK_END;
        this.state = SIZE;
        return null;
      case AFTER_LAST:
        if (byte === 13) this.state = FINAL_LF;
        else {
          this.state = TRAILERS;
          this.openSkip(position);
        }
        return null;
      default:
        if (byte !== 10) return BARE_CARRIAGE_RETURN;
        this.state = DONE;
        return null;
    }
  }

  private stepSize(byte: number, position: number): ProtocolError | null {
    const digit = HEX_VALUE[byte];
    if (digit < 16) {
      this.remaining = this.remaining * 16 + digit;
      if (++this.digits > MAX_SIZE_DIGITS || this.remaining > Number.MAX_SAFE_INTEGER) return INVALID_CHUNK_SIZE;
      return null;
    }
    if (byte === 10) return BARE_LINE_FEED;
    if (this.digits === 0) return INVALID_CHUNK_SIZE;
    if (byte === 13) {
      this.state = SIZE_LF;
      return null;
    }
    if (byte !== 59) return INVALID_CHUNK_SIZE;
    this.state = EXTENSION_NAME;
    this.extensionLength = 0;
    this.openSkip(position);
    return this.countExtensionByte();
  }

  /**
   * Extensions are thrown away, so only what could hide the end of the line is refused: control bytes, and a semicolon that no name
   * follows.
   */
  private stepExtension(byte: number, position: number): ProtocolError | null {
    if (this.state === EXTENSION_NAME) {
      if (TOKEN[byte] === 1) this.state = EXTENSION;
      else if (byte !== 32 && byte !== 9) return byte === 10 ? BARE_LINE_FEED : INVALID_CHUNK_EXTENSION;
    } else if (byte === 13) {
      this.skipped.push(this.skipStart === CARRIED_OVER ? 0 : this.skipStart, position);
      this.skipStart = CLOSED;
      this.state = SIZE_LF;
      return null;
    } else if (FIELD_VALUE[byte] !== 1) return byte === 10 ? BARE_LINE_FEED : INVALID_CHUNK_EXTENSION;
    return this.countExtensionByte();
  }

  private countExtensionByte(): ProtocolError | null {
    this.extensionsLength++;
    return ++this.extensionLength > MAX_CHUNK_EXTENSION || this.extensionsLength > MAX_BODY_EXTENSIONS
      ? CHUNK_EXTENSION_TOO_LONG
      : null;
  }

  private openSkip(position: number): void {
    this.skipStart = position;
    this.plain = false;
  }
}
