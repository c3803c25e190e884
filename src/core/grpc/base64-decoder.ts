const values = new Int8Array(256).fill(-1);
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i;
const PADDING = "=".charCodeAt(0);

/**
 * Decodes base64 (RFC 4648 section 4) that comes in pieces cut anywhere, each byte as soon as it is known. Padding may
 * stand within the stream, where a sender has encoded its pieces one by one, and may be missing at the end. Characters
 * outside of the alphabet are passed over: whether the result is any good is for the receiver to find out.
 */
export class Base64Decoder {
  /** Bits that are known but make no whole byte yet, and their number. */
  #bits = 0;
  #count = 0;

  decode(text: Uint8Array): Uint8Array {
    const bytes = new Uint8Array((text.length * 6 + 7) >> 3);
    let length = 0;
    let bits = this.#bits;
    let count = this.#count;
    for (let i = 0; i < text.length; i++) {
      const value = values[text[i]!]!;
      if (value < 0) {
        // What is left of the group before the padding is zeros.
        if (text[i] === PADDING) bits = count = 0;
        continue;
      }
      bits = ((bits << 6) | value) & 0xfff;
      count += 6;
      if (count < 8) continue;
      count -= 8;
      bytes[length++] = bits >> count;
    }
    this.#bits = bits;
    this.#count = count;
    return bytes.subarray(0, length);
  }
}
