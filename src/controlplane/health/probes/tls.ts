import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Type } from "typebox";
import { strict } from "../../../config/fields.ts";
import type { Clock } from "../../../core/clock.ts";
import type { ProbeDefinition, ProbeResult } from "../../../core/health/probe.ts";
import { converse, type Dialogue } from "./connection.ts";
import { healthy, unhealthy } from "./outcome.ts";
import { connectTls, judgeCertificate, tlsFields, tlsProblem, type TlsSettings } from "./tls-connection.ts";

class TlsDialogue implements Dialogue {
  readonly awaited = "TLS handshake";
  readonly #settings: TlsSettings;
  readonly #clock: Clock;

  constructor(settings: TlsSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  start(socket: Socket): ProbeResult {
    const { result, details } = judgeCertificate(socket as TLSSocket, this.#settings, this.#clock.wall());
    return result ?? healthy(details);
  }

  data(): undefined {
    // The handshake has decided before anything else is read.
  }

  end(): ProbeResult {
    return unhealthy("the server closed the connection in the TLS handshake");
  }
}

/** A handshake is complete, certificate included. */
export const tls: ProbeDefinition<TlsSettings> = {
  kind: "probe",
  name: "tls",
  summary: "Makes a TLS handshake and judges the certificate and when it expires.",
  schema: Type.Object(tlsFields("14d"), strict),
  problem: tlsProblem,
  run: (target, settings, context) =>
    converse(target, context, new TlsDialogue(settings, context.clock), connectTls(settings, [])),
};
