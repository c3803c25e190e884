import type { Socket } from "node:net";
import { Type } from "typebox";
import { strict } from "../../../config/fields.ts";
import type { ProbeDefinition, ProbeResult } from "../../../core/health/probe.ts";
import { converse, type Dialogue } from "./connection.ts";
import {
  expectationFields,
  expectationOf,
  expectationProblem,
  type Expectation,
  type ExpectationSettings,
} from "./expectation.ts";
import { healthy, quoted, unhealthy } from "./outcome.ts";

/** Bytes of an answer in which what is expected must stand. */
const MAX_ANSWER = 16 * 1024;

/** Connects and, if wanted, sends something and waits for an answer that holds something. */
class TcpDialogue implements Dialogue {
  readonly awaited = "expected answer";
  readonly #expectation: Expectation;
  #answer: Buffer = Buffer.alloc(0);

  constructor(expectation: Expectation) {
    this.#expectation = expectation;
  }

  start(socket: Socket): ProbeResult | undefined {
    const { sent, isMet } = this.#expectation;
    if (sent !== undefined) socket.write(sent);
    return isMet === undefined ? healthy() : undefined;
  }

  data(chunk: Buffer): ProbeResult | undefined {
    this.#answer = Buffer.concat([this.#answer, chunk.subarray(0, MAX_ANSWER - this.#answer.length)]);
    if (this.#expectation.isMet!(this.#answer)) return healthy();
    return this.#answer.length < MAX_ANSWER ? undefined : this.#mismatch();
  }

  end(): ProbeResult {
    return this.#answer.length > 0 ? this.#mismatch() : unhealthy("the server closed the connection without an answer");
  }

  #mismatch(): ProbeResult {
    return unhealthy(
      `answered ${quoted(this.#answer.toString("latin1", 0, 60))}, expected ${this.#expectation.wanted}`,
    );
  }
}

export const tcp: ProbeDefinition<ExpectationSettings> = {
  kind: "probe",
  name: "tcp",
  summary: "Connects; if wanted, sends something and looks for something in the answer.",
  schema: Type.Object(expectationFields, strict),
  problem: expectationProblem,
  run: (target, settings, context) => converse(target, context, new TcpDialogue(expectationOf(settings))),
};
