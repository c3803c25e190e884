import { randomInt } from "node:crypto";
import { decode, encode, RECURSION_DESIRED, type Answer, type DecodedPacket } from "dns-packet";

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

/** Bytes that an answer over UDP may have; more is cut on its way in too many networks (DNS flag day 2020). */
const UDP_PAYLOAD = 1232;
/** Above it a time to live counts as 0 (RFC 2181 section 8). */
const MAX_TTL = 2 ** 31 - 1;

/** A question with a new random id. */
export function newQuestion(name: string, type: QuestionType): DnsQuestion {
  return { id: randomInt(65536), name: plainName(name), type };
}

/** The bytes of a question. @param extended with EDNS(0) (RFC 6891), which some old servers refuse */
export function encodeQuestion(question: DnsQuestion, extended: boolean): Buffer {
  const { id, name, type } = question;
  return encode({
    type: "query",
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type, name, class: "IN" }],
    ...(extended && {
      additionals: [
        {
          type: "OPT" as const,
          name: ".",
          udpPayloadSize: UDP_PAYLOAD,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    }),
  });
}

/** Reads a message; undefined when it is none, or not the answer to this question. Never throws. */
export function readAnswer(bytes: Buffer, question: DnsQuestion): DnsAnswer | undefined {
  let packet: DecodedPacket & { readonly rcode?: string; readonly opcode?: string };
  try {
    packet = decode(bytes);
  } catch {
    return undefined;
  }
  const asked = packet.questions ?? [];
  const isAnswer =
    packet.type === "response" &&
    packet.id === question.id &&
    packet.opcode === "QUERY" &&
    asked.length === 1 &&
    asked[0]!.type === question.type &&
    asked[0]!.class === "IN" &&
    plainName(asked[0]!.name) === question.name;
  if (!isAnswer) return undefined;
  return {
    rcode: packet.rcode ?? "NOERROR",
    truncated: packet.flag_tc,
    answers: readRecords(packet.answers),
    additionals: readRecords(packet.additionals),
  };
}

function readRecords(list: readonly Answer[] = []): DnsRecord[] {
  const records: DnsRecord[] = [];
  for (const record of list) {
    if (record.type === "OPT" || !("class" in record) || record.class !== "IN") continue;
    const name = plainName(record.name);
    const seconds = record.ttl ?? 0;
    const ttl = seconds > MAX_TTL ? 0 : seconds;
    switch (record.type) {
      case "A":
      case "AAAA":
        records.push({ type: record.type, name, ttl, address: record.data });
        break;
      case "CNAME":
        records.push({ type: "CNAME", name, ttl, target: plainName(record.data) });
        break;
      case "SRV": {
        const { target, port, priority = 0, weight = 0 } = record.data;
        records.push({ type: "SRV", name, ttl, target: plainName(target), port, priority, weight });
        break;
      }
    }
  }
  return records;
}

/** A name as it is compared: in lower case, without a dot at its end; the root is empty. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
