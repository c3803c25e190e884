/** Types of records that checks ask for: RFC 1035 section 3.2.2, RFC 3596, RFC 2782. */
export const recordTypes = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33 } as const;
export type RecordType = keyof typeof recordTypes;

/** RFC 1035 section 4.1.1. */
export const responseCodes = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"] as const;
export type ResponseCode = (typeof responseCodes)[number];

const CLASS_INTERNET = 1;
const HEADER = 12;

/** A name as labels with their lengths; undefined when it is no name (RFC 1035 section 2.3.4). "." is the root. */
export function encodeName(name: string): Buffer | undefined {
  const trimmed = name.replace(/\.$/, "");
  const labels = trimmed === "" ? [] : trimmed.split(".");
  if (!labels.every((label) => /^[\x21-\x2d\x2f-\x7e]{1,63}$/.test(label))) return undefined;
  const bytes = Buffer.from(labels.map((label) => String.fromCharCode(label.length) + label).join("") + "\0", "latin1");
  return bytes.length <= 255 ? bytes : undefined;
}

/** A question with recursion desired. */
export function encodeQuery(id: number, name: Buffer, type: RecordType): Buffer {
  const head = Buffer.alloc(HEADER);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(0x0100, 2);
  head.writeUInt16BE(1, 4);
  return Buffer.concat([head, name, Buffer.from([0, recordTypes[type], 0, CLASS_INTERNET])]);
}

export interface DnsAnswer {
  readonly code: ResponseCode | number;
  readonly truncated: boolean;
  /** Number of records in the answer section. */
  readonly records: number;
  /** Addresses in the answer section; IPv6 as eight groups without leading zeros. */
  readonly addresses: readonly string[];
}

/**
 * Reads the answer to a question. Undefined when it is none to this one: another id or question, or no answer at all.
 * Throws a RangeError for an answer that is cut.
 */
export function decodeAnswer(message: Buffer, query: Buffer): DnsAnswer | undefined {
  if (message.length < HEADER || message.readUInt16BE(0) !== query.readUInt16BE(0)) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) === 0) return undefined;
  const rcode = flags & 15;
  const code = responseCodes[rcode] ?? rcode;
  const truncated = (flags & 0x0200) !== 0;
  const records = message.readUInt16BE(6);
  // A server that could not read the question may leave it out.
  if (message.readUInt16BE(4) === 0)
    return code === "NOERROR" ? undefined : { code, truncated, records: 0, addresses: [] };
  if (!sameQuestion(message, query)) return undefined;
  return { code, truncated, records, addresses: truncated ? [] : readAddresses(message, query.length, records) };
}

/** Names compare without case (RFC 4343). */
function sameQuestion(message: Buffer, query: Buffer): boolean {
  const question = (bytes: Buffer): string => bytes.toString("latin1", HEADER, query.length).toLowerCase();
  return message.length >= query.length && question(message) === question(query);
}

function readAddresses(message: Buffer, start: number, count: number): string[] {
  const addresses: string[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    at = skipName(message, at);
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 8);
    const from = at + 10;
    at = from + length;
    if (at > message.length) throw new RangeError("the answer is cut");
    if (type === recordTypes.A && length === 4) addresses.push(message.subarray(from, at).join("."));
    if (type === recordTypes.AAAA && length === 16) addresses.push(groups(message.subarray(from, at)).join(":"));
  }
  return addresses;
}

function groups(bytes: Buffer): string[] {
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
}

/** A name ends with a zero or with a pointer, which need not be followed to get behind it. */
function skipName(message: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = message.readUInt8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
}
