import { randomInt } from "node:crypto";
import ipaddr from "ipaddr.js";
import { Type } from "typebox";
import { strict } from "../../../config/fields.ts";
import type { ProbeDefinition, ProbeResult } from "../../../core/health/probe.ts";
import { askByDatagram } from "./datagram.ts";
import {
  decodeAnswer,
  encodeName,
  encodeQuery,
  recordTypes,
  responseCodes,
  type DnsAnswer,
  type RecordType,
  type ResponseCode,
} from "./dns-message.ts";
import { healthy, inWords, unhealthy } from "./outcome.ts";

interface DnsSettings {
  readonly name: string;
  readonly recordType: RecordType;
  readonly expectedCode: ResponseCode;
  readonly expectedAddress?: string | undefined;
}

/** How often a question is repeated within the time of a check. */
const REPETITIONS = 2;

/** A question over UDP with a random id from a random port; what does not fit it is not taken for an answer. */
export const dns: ProbeDefinition<DnsSettings> = {
  kind: "probe",
  name: "dns",
  summary: "Asks a DNS server over UDP and judges the response code, and the address if wanted.",
  schema: Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 254, description: "name that is asked for" }),
      recordType: Type.Unsafe<RecordType>({
        type: "string",
        enum: Object.keys(recordTypes),
        default: "A",
        description: "type of record that is asked for",
      }),
      expectedCode: Type.Unsafe<ResponseCode>({
        type: "string",
        enum: responseCodes,
        default: "NOERROR",
        description: "response code of a good answer",
      }),
      expectedAddress: Type.Optional(
        Type.String({ minLength: 1, description: "address that must be in the answer (A, AAAA)" }),
      ),
    },
    strict,
  ),
  problem({ name, recordType, expectedAddress }) {
    if (encodeName(name) === undefined) return "`name` is not a domain name";
    if (expectedAddress === undefined) return undefined;
    if (recordType !== "A" && recordType !== "AAAA") return "`expectedAddress` needs `recordType` A or AAAA";
    const isRight =
      recordType === "A" ? ipaddr.IPv4.isValidFourPartDecimal(expectedAddress) : ipaddr.IPv6.isValid(expectedAddress);
    return isRight ? undefined : `\`expectedAddress\` is not an address as in ${recordType} records`;
  },
  run(target, settings, context) {
    const query = encodeQuery(randomInt(0x10000), encodeName(settings.name)!, settings.recordType);
    return askByDatagram(target, context, {
      sent: query,
      repetitions: REPETITIONS,
      silence: () => unhealthy(`no answer within ${inWords(context.timeout)}`),
      answer(message) {
        const answer = decodeAnswer(message, query);
        return answer && judge(answer, settings);
      },
    });
  },
};

function judge(answer: DnsAnswer, { expectedCode, expectedAddress }: DnsSettings): ProbeResult {
  const { code, records } = answer;
  if (code !== expectedCode) return unhealthy(`response code ${code}, expected ${expectedCode}`, { code });
  if (expectedAddress === undefined) return healthy({ code, records });
  const wanted = ipaddr.parse(expectedAddress).toNormalizedString();
  if (answer.addresses.includes(wanted)) return healthy({ code, records });
  const found = answer.truncated
    ? "the answer is truncated"
    : `addresses ${answer.addresses.slice(0, 5).join(", ") || "none"}`;
  return unhealthy(`${found}, expected ${expectedAddress}`, { code, records });
}
