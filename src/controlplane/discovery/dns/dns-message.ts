import { randomInt } from "node:crypto";
import { CLASS_IN, encodeName, readAddress, readName, readRecord, RecordType, type WireRecord } from "./dns-wire.ts";

export type QuestionType = "A" | "AAAA" | "SRV";

/** One question and how to recognise its answer. */
export interface DnsQuestion {
  /** 0..65535, by chance: with the port it is what keeps forged answers out (RFC 5452). */
  readonly id: number;
  /** In lower case, without a dot at its end. */
  readonly name: string;
  readonly type: QuestionType;
}

/** A record of an answer; names are in lower case without a dot at their end, times to live in seconds. */
export type DnsRecord =
  | { readonly type: "A" | "AAAA"; readonly name: string; readonly ttl: number; readonly address: string }
  | { readonly type: "CNAME"; readonly name: string; readonly ttl: number; readonly target: string }
  | {
      readonly type: "SRV";
      readonly name: string;
      readonly ttl: number;
      readonly target: string;
      readonly port: number;
      readonly priority: number;
      readonly weight: number;
    };

/** An answer to a question, in the form in which it came. */
export interface DnsAnswer {
  /** NOERROR, NXDOMAIN, SERVFAIL, REFUSED, … */
  readonly rcode: string;
  /** It did not fit: the question has to be asked again over TCP. */
  readonly truncated: boolean;
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

const HEADER = 12;
/** Bytes that an answer over UDP may have; more is cut on its way in too many networks (DNS flag day 2020). */
const UDP_PAYLOAD = 1232;
/** Above it a time to live counts as 0 (RFC 2181 section 8). */
const MAX_TTL = 2 ** 31 - 1;
const FLAG_RESPONSE = 0x8000;
const OPCODE = 0x7800;
const FLAG_TRUNCATED = 0x0200;
const FLAG_RECURSION_DESIRED = 0x0100;
const RCODES: Readonly<Record<number, string>> = {
  0: "NOERROR",
  1: "FORMERR",
  2: "SERVFAIL",
  3: "NXDOMAIN",
  4: "NOTIMP",
  5: "REFUSED",
  16: "BADVERS",
};

/** A question with a new random id. */
export function newQuestion(name: string, type: QuestionType): DnsQuestion {
  return { id: randomInt(65536), name: plainName(name), type };
}

/**
 * The bytes of a question. Throws for a name that cannot be one.
 *
 * @param extended with EDNS(0) (RFC 6891), which some old servers refuse
 */
export function encodeQuestion(question: DnsQuestion, extended: boolean): Buffer {
  const name = encodeName(question.name);
  if (name === undefined) throw new Error(`"${question.name}" is not a name of the DNS`);
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(FLAG_RECURSION_DESIRED, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(extended ? 1 : 0, 10);
  const rest = Buffer.alloc(4);
  rest.writeUInt16BE(RecordType[question.type], 0);
  rest.writeUInt16BE(CLASS_IN, 2);
  return Buffer.concat(extended ? [header, name, rest, optRecord()] : [header, name, rest]);
}

function optRecord(): Buffer {
  const record = Buffer.alloc(11);
  record.writeUInt16BE(RecordType.OPT, 1);
  record.writeUInt16BE(UDP_PAYLOAD, 3);
  return record;
}

/** Reads a message; undefined when it is none, or not the answer to this question. Never throws. */
export function readAnswer(bytes: Buffer, question: DnsQuestion): DnsAnswer | undefined {
  if (bytes.length < HEADER || bytes.readUInt16BE(0) !== question.id) return undefined;
  const flags = bytes.readUInt16BE(2);
  if ((flags & FLAG_RESPONSE) === 0 || (flags & OPCODE) !== 0 || bytes.readUInt16BE(4) !== 1) return undefined;
  const asked = readName(bytes, HEADER);
  if (asked === undefined || asked.name !== question.name || asked.next + 4 > bytes.length) return undefined;
  const isSame =
    bytes.readUInt16BE(asked.next) === RecordType[question.type] && bytes.readUInt16BE(asked.next + 2) === CLASS_IN;
  if (!isSame) return undefined;
  const truncated = (flags & FLAG_TRUNCATED) !== 0;
  const answers: DnsRecord[] = [];
  const additionals: DnsRecord[] = [];
  let rcode = flags & 0x0f;
  let at = asked.next + 4;
  for (const [offset, list] of [
    [6, answers],
    [8, undefined],
    [10, additionals],
  ] as const) {
    for (let left = bytes.readUInt16BE(offset); left > 0; left--) {
      const record = readRecord(bytes, at);
      // What does not fit may be cut anywhere; elsewhere a broken record makes the whole message one.
      if (record === undefined)
        return truncated ? { rcode: rcodeName(rcode), truncated, answers, additionals } : undefined;
      at = record.next;
      // The upper bits of the code stand in the place of a time to live (RFC 6891 section 6.1.3).
      if (record.type === RecordType.OPT && offset === 10) rcode |= (record.ttl >>> 24) << 4;
      const known = list === undefined ? undefined : decodeRecord(bytes, record);
      if (known !== undefined) list!.push(known);
    }
  }
  return { rcode: rcodeName(rcode), truncated, answers, additionals };
}

/** A record of a kind that is understood; others, and broken ones, are left out. */
function decodeRecord(bytes: Buffer, record: WireRecord): DnsRecord | undefined {
  if (record.class !== CLASS_IN) return undefined;
  const { name, from, next } = record;
  const ttl = record.ttl > MAX_TTL ? 0 : record.ttl;
  switch (record.type) {
    case RecordType.A:
    case RecordType.AAAA: {
      const address = readAddress(bytes, record);
      const type = record.type === RecordType.A ? "A" : "AAAA";
      return address === undefined ? undefined : { type, name, ttl, address };
    }
    case RecordType.CNAME: {
      const target = readName(bytes, from);
      return target?.next === next ? { type: "CNAME", name, ttl, target: target.name } : undefined;
    }
    case RecordType.SRV: {
      const target = from + 6 <= next ? readName(bytes, from + 6) : undefined;
      if (target?.next !== next) return undefined;
      const [priority, weight, port] = [0, 2, 4].map((offset) => bytes.readUInt16BE(from + offset));
      return { type: "SRV", name, ttl, target: target.name, port: port!, priority: priority!, weight: weight! };
    }
    default:
      return undefined;
  }
}

function rcodeName(rcode: number): string {
  return RCODES[rcode] ?? `code ${rcode}`;
}

/** A name as it is compared: in lower case, without a dot at its end; the root is empty. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
