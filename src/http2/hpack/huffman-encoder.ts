import { CODES, CODE_LENGTHS } from "./huffman-code.ts";

/** Bytes that the string bytes[from, to) takes in the Huffman code, padding included. */
export function huffmanLength(bytes: Uint8Array, from: number, to: number): number {
  let bits = 0;
  for (let i = from; i < to; i++) bits += CODE_LENGTHS[bytes[i]];
  return (bits + 7) >>> 3;
}

/** Writes the string bytes[from, to) in the Huffman code to `out` from `at` on, where there must be room. Returns where it ends. */
export function encodeHuffman(bytes: Uint8Array, from: number, to: number, out: Uint8Array, at: number): number {
  // `pending` has fewer than 8 bits before each code, and codes come in parts of at most 24 bits: 31 bits are enough.
  let pending = 0;
  let bits = 0;
  let end = at;
  for (let i = from; i < to; i++) {
    const code = CODES[bytes[i]];
    let length = CODE_LENGTHS[bytes[i]];
    if (length > 24) {
      length -= 16;
      pending = (pending << length) | (code >>> 16);
      bits += length;
      while (bits >= 8) out[end++] = pending >> (bits -= 8);
      pending &= (1 << bits) - 1;
      length = 16;
      pending = (pending << 16) | (code & 0xffff);
    } else pending = (pending << length) | code;
    bits += length;
    while (bits >= 8) out[end++] = pending >> (bits -= 8);
    pending &= (1 << bits) - 1;
  }
  // Padding is the beginning of EOS: ones.
  if (bits > 0) out[end++] = (pending << (8 - bits)) | (0xff >> bits);
  return end;
}
