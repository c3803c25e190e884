import { parseAddress, parseIpv4 } from "./address.ts";

/** A block of addresses: those whose first `prefix` bits equal the first ones of `words`. Bits after it are 0. */
export interface Cidr {
  readonly version: 4 | 6;
  readonly words: readonly number[];
  readonly prefix: number;
}

/**
 * Reads `address/prefix` or a single address, IPv4 or IPv6. Bits behind the prefix are ignored (10.1.2.3/8 is
 * 10.0.0.0/8); a block of IPv4-mapped addresses is the IPv4 block.
 *
 * @throws Error with the offending text and what is wrong with it
 */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf("/");
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === undefined) throw new Error(`"${text}": "${addressText}" is not an IP address`);
  const mapped = address.version === 4 && addressText.includes(":");
  const bits = address.version === 6 || mapped ? 128 : 32;
  let prefix = bits;
  if (slash >= 0) {
    const prefixText = text.slice(slash + 1);
    prefix = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : -1;
    if (prefix < 0 || prefix > bits) throw new Error(`"${text}": the prefix length must be 0 to ${bits}`);
    if (mapped && prefix < 96)
      throw new Error(`"${text}": a block of IPv4-mapped addresses needs a prefix of at least 96`);
  }
  if (mapped) prefix -= 96;
  return {
    version: address.version,
    prefix,
    words: address.words.map((word, at) => (word & mask(prefix - at * 32)) >>> 0),
  };
}

/** The mask of a 32-bit word of which the first `bits` count; below 0 none, above 32 all. */
function mask(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}

/**
 * Compiles a list of addresses and CIDR blocks into a test of an address. A test takes a binary search, whatever
 * the length of the list, and allocates nothing for IPv4. Text that is no address is never in the list.
 *
 * @throws Error when an entry cannot be read
 */
export function compileCidrs(list: readonly string[]): (address: string) => boolean {
  const blocks = list.map(parseCidr);
  const v4 = new BlockSet(
    blocks.filter((block) => block.version === 4),
    1,
  );
  const v6 = new BlockSet(
    blocks.filter((block) => block.version === 6),
    4,
  );
  const key = [0, 0, 0, 0];
  return (text) => {
    const value = parseIpv4(text, 0, text.length);
    if (value >= 0) {
      key[0] = value;
      return v4.has(key);
    }
    const address = parseAddress(text);
    if (address === undefined) return false;
    return (address.version === 4 ? v4 : v6).has(address.words);
  };
}

/**
 * Blocks of one address family in ascending order. Two blocks are disjoint or one holds the other, so after the
 * inner ones are dropped, only the last block that starts at or before an address can hold it.
 */
class BlockSet {
  private readonly width: number;
  private readonly count: number;
  private readonly starts: Uint32Array;
  private readonly prefixes: Uint8Array;

  /** @param width 32-bit words per address */
  constructor(blocks: readonly Cidr[], width: number) {
    const sorted = [...blocks].sort((a, b) => compare(a.words, b.words) || a.prefix - b.prefix);
    const outer: Cidr[] = [];
    for (const block of sorted) {
      const last = outer.at(-1);
      if (last === undefined || !holds(last.words, 0, last.prefix, block.words)) outer.push(block);
    }
    this.width = width;
    this.count = outer.length;
    this.starts = Uint32Array.from(outer.flatMap((block) => block.words));
    this.prefixes = Uint8Array.from(outer, (block) => block.prefix);
  }

  has(address: readonly number[]): boolean {
    const { width, starts } = this;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      let order = 0;
      for (let at = 0; at < width && order === 0; at++) {
        order = starts[middle * width + at] - address[at];
      }
      if (order <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && holds(starts, (low - 1) * width, this.prefixes[low - 1], address);
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  let order = 0;
  for (let at = 0; at < a.length && order === 0; at++) order = a[at] - b[at];
  return order;
}

/** Whether the block at `offset` of `starts` holds the address. */
function holds(starts: ArrayLike<number>, offset: number, prefix: number, address: readonly number[]): boolean {
  for (let at = 0, bits = prefix; bits > 0; at++, bits -= 32) {
    if (((starts[offset + at] ^ address[at]) & mask(bits)) !== 0) return false;
  }
  return true;
}
