import { CODES, CODE_LENGTHS, END_OF_STRING } from "./huffman-code.ts";

/*
 * The decoder takes 8 bits at a time. A state is an inner node of the code's tree, of which there are 256: one fewer than
 * symbols. The shortest code has 5 bits, so that 8 bits finish at most two symbols. A step is, from the lowest bit on: the
 * next state (8 bits), first symbol (8), second symbol (8), number of symbols (2). -1: the string holds EOS.
 */
const STATES = 256;
const steps = new Int32Array(STATES * 256);
/** 1 for states in which a string may end: padding of at most 7 bits, all of them ones (RFC 7541 5.2). */
const mayEnd = new Uint8Array(STATES);

{
  const children = new Int32Array(STATES * 2);
  let nodes = 1;
  for (let symbol = 0; symbol < CODES.length; symbol++) {
    let node = 0;
    for (let bit = CODE_LENGTHS[symbol] - 1; bit > 0; bit--) {
      const slot = node * 2 + ((CODES[symbol] >>> bit) & 1);
      if (children[slot] === 0) children[slot] = nodes++;
      node = children[slot];
    }
    // Leaves are negative.
    children[node * 2 + (CODES[symbol] & 1)] = -1 - symbol;
  }
  for (let state = 0; state < STATES; state++) {
    for (let byte = 0; byte < 256; byte++) steps[state * 256 + byte] = step(children, state, byte);
  }
  for (let node = 0, bits = 0; bits < 8; bits++, node = children[node * 2 + 1]) mayEnd[node] = 1;
}

function step(children: Int32Array, state: number, byte: number): number {
  let node = state;
  let symbols = 0;
  let count = 0;
  for (let bit = 7; bit >= 0; bit--) {
    node = children[node * 2 + ((byte >> bit) & 1)];
    if (node >= 0) continue;
    const symbol = -1 - node;
    if (symbol === END_OF_STRING) return -1;
    symbols |= symbol << (8 + count * 8);
    count++;
    node = 0;
  }
  return node | symbols | (count << 24);
}

/** The most bytes that so many bytes decode to. */
export function maxDecodedLength(length: number): number {
  return Math.floor((length * 8) / 5);
}

/**
 * Decodes the string bytes[from, to) into `out` from 0 on, which has room for `maxDecodedLength` bytes. Returns its length, or -1
 * if it is malformed: EOS in it, or padding that is longer than 7 bits or not of ones.
 */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number, out: Uint8Array): number {
  let state = 0;
  let length = 0;
  for (let i = from; i < to; i++) {
    const entry = steps[(state << 8) | bytes[i]];
    if (entry < 0) return -1;
    state = entry & 255;
    const count = entry >> 24;
    if (count === 0) continue;
    out[length++] = (entry >> 8) & 255;
    if (count === 2) out[length++] = (entry >> 16) & 255;
  }
  return mayEnd[state] === 1 ? length : -1;
}
