import { Buffer } from "node:buffer";

/** One element of DER (X.690 8.1): its tag byte and where it stands. Tags above 30 do not occur in OCSP. */
export interface DerElement {
  readonly tag: number;
  /** The element with tag and length. */
  readonly whole: Buffer;
  readonly content: Buffer;
}

/** Tags that OCSP uses. */
export const Tag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** Tag of a context-specific element of this number, constructed. */
export function context(number: number): number {
  return 0xa0 | number;
}

/** The element at the beginning of the bytes. Throws an Error when there is none that is whole. */
export function readElement(bytes: Buffer): DerElement {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new Error("malformed DER");
  let at = 2;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4 || bytes.length < 2 + count) throw new Error("malformed DER");
    length = bytes.readUIntBE(2, count);
    at += count;
  }
  if (bytes.length < at + length) throw new Error("malformed DER");
  return { tag, whole: bytes.subarray(0, at + length), content: bytes.subarray(at, at + length) };
}

/** The elements that stand one after the other in the bytes. Throws an Error when they are malformed. */
export function readElements(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const element = readElement(bytes.subarray(at));
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

/** The content of an element that must have this tag. Throws an Error when it has not, or is not there. */
export function expectTag(element: DerElement | undefined, tag: number): Buffer {
  if (element?.tag !== tag) throw new Error("unexpected DER element");
  return element.content;
}

/** An element with these parts as its content. */
export function writeElement(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const bytes = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content]);
}

/** The dotted form of an object identifier's content. */
export function oidText(content: Buffer): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    numbers.push(value);
    value = 0;
  }
  const first = numbers.shift() ?? 0;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - 40 * top, ...numbers].join(".");
}

/** ms since 1970 of a GeneralizedTime as DER has it, "20260102030405Z". Throws an Error for another form. */
export function readTime(content: Buffer): number {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(content.toString("latin1"));
  if (match === null) throw new Error("malformed time");
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [number, ...number[]];
  return Date.UTC(year, month! - 1, day, hour, minute, second);
}
