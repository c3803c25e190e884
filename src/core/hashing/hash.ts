/** One block of MurmurHash3: a 32-bit value mixed into the state. */
function mixBlock(state: number, block: number): number {
  let k = Math.imul(block, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = state ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/**
 * Spreads a 32-bit number over the whole range: every input bit changes each output bit with a chance of about one
 * half. One to one.
 *
 * Source: the finaliser of MurmurHash3 (A. Appleby, fmix32).
 */
export function mix32(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Unsigned 32-bit hash of a string: MurmurHash3 (x86, 32 bit) over its UTF-16 code units, low byte first. The same in
 * every process and on every node; not for secrets, and not safe against keys made to collide.
 *
 * @param seed another seed gives an independent hash
 */
export function hashString(text: string, seed = 0): number {
  const length = text.length;
  const even = length & ~1;
  let state = seed | 0;
  for (let index = 0; index < even; index += 2) {
    state = mixBlock(state, text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16));
  }
  if (even < length) {
    const k = Math.imul(text.charCodeAt(even), 0xcc9e2d51);
    state ^= Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  }
  return mix32(state ^ (length << 1));
}

/** Unsigned 32-bit hash of two 32-bit numbers; their order matters. */
export function combine(first: number, second: number): number {
  return mix32(mixBlock(first, second));
}
