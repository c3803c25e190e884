import { normaliseAddress } from "../../../core/net/address.ts";

/*
 * Reading the parts of a DNS message (RFC 1035 section 4.1). Whatever the bytes are, reading takes time in proportion to
 * their number: a name has a limited length and follows a limited number of pointers, and each pointer leads further
 * towards the beginning. Nothing here throws.
 */

/** Record types that are read. */
export const RecordType = { A: 1, CNAME: 5, AAAA: 28, SRV: 33, OPT: 41 } as const;
/** The class of the internet. */
export const CLASS_IN = 1;

/** Longest name, its lengths and its end included. */
const MAX_NAME = 255;
/** A name of that length has no more labels than this, and so no more pointers either. */
const MAX_POINTERS = 127;

/** A name and the offset behind it. */
export interface WireName {
  /** In lower case, without a dot at its end; the root is empty. Unusual bytes are written as `\ddd`. */
  readonly name: string;
  readonly next: number;
}

/** Reads the name at an offset; undefined when there is none. */
export function readName(bytes: Buffer, offset: number): WireName | undefined {
  const labels: string[] = [];
  let at = offset;
  let next = -1;
  let length = 1;
  let pointers = 0;
  for (;;) {
    const size = bytes[at];
    if (size === undefined) return undefined;
    if (size === 0) return { name: labels.join("."), next: next === -1 ? at + 1 : next };
    if (size >= 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined || ++pointers > MAX_POINTERS) return undefined;
      const target = ((size & 0x3f) << 8) | low;
      if (next === -1) next = at + 2;
      if (target >= at) return undefined;
      at = target;
      continue;
    }
    length += size + 1;
    if (size > 63 || length > MAX_NAME || at + 1 + size > bytes.length) return undefined;
    labels.push(labelText(bytes, at + 1, at + 1 + size));
    at += 1 + size;
  }
}

function labelText(bytes: Buffer, from: number, to: number): string {
  const text = bytes.latin1Slice(from, to);
  if (/^[\w-]+$/.test(text)) return text.toLowerCase();
  // A dot within a label must not look like one between two.
  return text
    .toLowerCase()
    .replaceAll(/[^!-~]|[.\\]/g, (character) => `\\${String(character.charCodeAt(0)).padStart(3, "0")}`);
}

/** A record with its data as bytes of the message. */
export interface WireRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** Where its data begins. */
  readonly from: number;
  /** The offset behind its data, and behind the record. */
  readonly next: number;
}

/** Reads the record at an offset; undefined when there is none. */
export function readRecord(bytes: Buffer, offset: number): WireRecord | undefined {
  const owner = readName(bytes, offset);
  if (owner === undefined || owner.next + 10 > bytes.length) return undefined;
  const at = owner.next;
  const from = at + 10;
  const next = from + bytes.readUInt16BE(at + 8);
  if (next > bytes.length) return undefined;
  const type = bytes.readUInt16BE(at);
  return { name: owner.name, type, class: bytes.readUInt16BE(at + 2), ttl: bytes.readUInt32BE(at + 4), from, next };
}

/** The text of the IPv4 or IPv6 address that a record holds; undefined when it does not hold one. */
export function readAddress(bytes: Buffer, record: WireRecord): string | undefined {
  const { type, from, next } = record;
  if (type === RecordType.A && next - from === 4) return bytes.subarray(from, next).join(".");
  if (type !== RecordType.AAAA || next - from !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(from + 2 * group).toString(16));
  return normaliseAddress(groups.join(":"));
}

/** A name as bytes, without compression; undefined when it is none. */
export function encodeName(name: string): Buffer | undefined {
  const labels = name === "" ? [] : name.split(".");
  const parts = labels.map((label) => Buffer.from(label, "latin1"));
  if (parts.some(({ length }) => length === 0 || length > 63)) return undefined;
  const bytes = Buffer.concat([...parts.flatMap((part) => [Buffer.from([part.length]), part]), Buffer.from([0])]);
  return bytes.length > MAX_NAME ? undefined : bytes;
}
