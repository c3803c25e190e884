import type { Socket } from "node:net";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import { Type } from "typebox";
import { strict } from "../../../config/fields.ts";
import type { Clock } from "../../../core/clock.ts";
import type { ProbeDefinition, ProbeResult } from "../../../core/health/probe.ts";
import { converse, type Dialogue } from "./connection.ts";
import { HttpDialogue } from "./http-dialogue.ts";
import { httpFields, httpPlan, httpProblem, type HttpSettings } from "./http-settings.ts";
import {
  connectTls,
  judgeCertificate,
  tlsFields,
  tlsProblem,
  type CertificateJudgement,
  type TlsSettings,
} from "./tls-connection.ts";

type HttpsSettings = HttpSettings & TlsSettings;

/** Judges the certificate, then the answer to a request; the worse of both counts. */
class HttpsDialogue implements Dialogue {
  readonly #settings: HttpsSettings;
  readonly #clock: Clock;
  readonly #inner: HttpDialogue;
  #certificate: CertificateJudgement | undefined;

  constructor(settings: HttpsSettings, inner: HttpDialogue, clock: Clock) {
    this.#settings = settings;
    this.#inner = inner;
    this.#clock = clock;
  }

  get awaited(): string {
    return this.#inner.awaited;
  }

  start(socket: Socket): ProbeResult | undefined {
    this.#certificate = judgeCertificate(socket as TLSSocket, this.#settings, this.#clock.wall());
    // Nothing is sent to a server that is not the right one: the request may hold a secret.
    if (this.#certificate.result?.outcome === "unhealthy") return this.#certificate.result;
    return this.#inner.start(socket);
  }

  data(chunk: Buffer): ProbeResult | undefined {
    const result = this.#inner.data(chunk);
    return result && this.#join(result);
  }

  end(): ProbeResult {
    return this.#join(this.#inner.end());
  }

  #join(answer: ProbeResult): ProbeResult {
    const { result, details } = this.#certificate!;
    const joined = { ...answer, details: { ...answer.details, ...details } };
    return result === undefined || answer.outcome !== "healthy"
      ? joined
      : { ...joined, ...result, details: joined.details };
  }
}

/** The name to ask for: the one of `host`, unless `serverName` says otherwise. */
function serverName({ serverName: given, host }: HttpsSettings): string | undefined {
  if (given !== undefined || host === undefined) return given;
  const name = host.replace(/:\d+$/, "");
  return name.startsWith("[") || isIP(name) !== 0 ? undefined : name;
}

export const https: ProbeDefinition<HttpsSettings> = {
  kind: "probe",
  name: "https",
  summary: "As http, over TLS; judges the certificate as well.",
  schema: Type.Object({ ...httpFields, ...tlsFields("0") }, strict),
  problem: (settings) => httpProblem(settings) ?? tlsProblem(settings),
  run(target, settings, context) {
    const dialogue = new HttpsDialogue(settings, new HttpDialogue(httpPlan(settings), target, 443), context.clock);
    return converse(target, context, dialogue, connectTls(settings, ["http/1.1"], serverName(settings)));
  },
};
