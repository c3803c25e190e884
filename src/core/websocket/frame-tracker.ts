/** Opcode of a Close frame (RFC 6455 section 5.2). */
const CLOSE = 8;
/** The longest payload of a control frame, in bytes (section 5.5). */
const MAX_CONTROL = 125;

/**
 * Follows one direction of a WebSocket connection by the heads of its frames alone (RFC 6455 section 5.2), so that a
 * frame of our own can be put between two others. It sees every byte of the direction once, in pieces of any size,
 * keeps none, and allocates nothing.
 *
 * Bytes that cannot be WebSocket frames of this direction set `lost`: a wrong mask bit, an opcode that is not defined,
 * a control frame that is long or a fragment, a length that is not in its shortest form or beyond 2^53. Nothing is known
 * about boundaries from then on.
 */
export class FrameTracker {
  /** Something came that is no frame: boundaries are not known any more. */
  lost = false;
  /** A whole Close frame has passed: its sender says nothing after it (section 5.5.1). */
  closed = false;
  /** Whole messages that have passed: data frames that are the last of theirs (section 5.4). */
  messages = 0;
  /** The mask bit that every frame must have: set towards the server, clear towards the client (section 5.1). */
  readonly #mask: 0 | 0x80;
  /** How many bytes of a head were read; 0 outside of a head. */
  #headBytes = 0;
  /** How many bytes the head has, as far as its first two tell. */
  #headLength = 2;
  #opcode = 0;
  /** 1 if the frame is the last one of a message, as far as its head tells. */
  #final: 0 | 1 = 0;
  /** The length so far, while a longer form is being read. */
  #length = 0;
  /** Bytes of the frame that are still to come behind its head: masking key and payload. */
  #left = 0;

  /** @param masked whether the frames come from a client */
  constructor(masked: boolean) {
    this.#mask = masked ? 0x80 : 0;
  }

  /** Whether the next byte begins a frame. */
  get atBoundary(): boolean {
    return this.#left === 0 && this.#headBytes === 0 && !this.lost;
  }

  /**
   * Follows bytes[from, to).
   *
   * @param stop ends at the first boundary behind `from`, so that what comes next can wait
   * @returns how far it went: `to`, or the boundary
   */
  advance(bytes: Uint8Array, from: number, to: number, stop: boolean): number {
    let position = from;
    while (position < to && !this.lost) {
      if (this.#left === 0) {
        this.#readHead(bytes[position++]!);
        // An unmasked frame without payload ends with its head.
        if (this.#headBytes !== 0 || this.#left !== 0 || this.lost) continue;
      } else {
        const step = Math.min(this.#left, to - position);
        this.#left -= step;
        position += step;
        if (this.#left !== 0) continue;
      }
      if (this.#opcode < CLOSE) this.messages += this.#final;
      else if (this.#opcode === CLOSE) this.closed = true;
      if (stop) return position;
    }
    return this.lost ? to : position;
  }

  /** Takes the next byte of a head. With the last one, `#left` is known and `#headBytes` is 0 again. */
  #readHead(byte: number): void {
    const index = this.#headBytes++;
    if (index === 0) {
      this.#opcode = byte & 0x0f;
      this.#final = (byte & 0x80) === 0 ? 0 : 1;
      const control = this.#opcode >= CLOSE;
      // Opcodes 3 to 7 and 11 to 15 are not defined; a control frame is never a fragment.
      if ((this.#opcode & 7) > 2 || (control && (byte & 0x80) === 0)) this.lost = true;
      return;
    }
    if (index === 1) {
      const length = byte & 0x7f;
      if ((byte & 0x80) !== this.#mask || (this.#opcode >= CLOSE && length > MAX_CONTROL)) this.lost = true;
      this.#headLength = length === 126 ? 4 : length === 127 ? 10 : 2;
      this.#length = this.#headLength === 2 ? length : 0;
    } else this.#length = this.#length * 256 + byte;
    if (this.#headBytes < this.#headLength) return;
    const shortest = this.#headLength === 2 ? 0 : this.#headLength === 4 ? 126 : 65_536;
    if (this.#length < shortest || this.#length > Number.MAX_SAFE_INTEGER - 4) this.lost = true;
    this.#headBytes = 0;
    this.#left = this.#length + (this.#mask === 0 ? 0 : 4);
  }
}
