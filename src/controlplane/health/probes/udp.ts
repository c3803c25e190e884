import { Type } from "typebox";
import { strict, timeout } from "../../../config/fields.ts";
import type { ProbeDefinition } from "../../../core/health/probe.ts";
import { askByDatagram } from "./datagram.ts";
import { expectationFields, expectationOf, expectationProblem, type ExpectationSettings } from "./expectation.ts";
import { healthy, inWords, quoted, unhealthy } from "./outcome.ts";

type UdpSettings = ExpectationSettings & { readonly wait: number };

const NOTHING = new Uint8Array(0);

/** A datagram, and an answer if one is expected; otherwise only a refusal is a failure. */
export const udp: ProbeDefinition<UdpSettings> = {
  kind: "probe",
  name: "udp",
  summary: "Sends a datagram; looks for something in the answer, or only for a refusal when nothing is expected.",
  schema: Type.Object(
    {
      ...expectationFields,
      wait: timeout("200ms", "how long a refusal is waited for when nothing is expected"),
    },
    strict,
  ),
  problem: expectationProblem,
  run(target, settings, context) {
    const { sent = NOTHING, isMet, wanted } = expectationOf(settings);
    return askByDatagram(target, context, {
      sent,
      repetitions: isMet === undefined ? 0 : 2,
      ...(isMet === undefined && { patience: settings.wait }),
      silence: () => (isMet === undefined ? healthy() : unhealthy(`no answer within ${inWords(context.timeout)}`)),
      answer(message) {
        if (isMet === undefined || isMet(message)) return healthy();
        return unhealthy(`answered ${quoted(message.toString("latin1", 0, 60))}, expected ${wanted}`);
      },
    });
  },
};
