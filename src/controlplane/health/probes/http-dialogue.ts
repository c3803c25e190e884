import type { Socket } from "node:net";
import type { ProbeResult, ProbeTarget } from "../../../core/health/probe.ts";
import { authorityOf } from "./authority.ts";
import type { Dialogue } from "./connection.ts";
import { HttpAnswer } from "./http-answer.ts";
import { judgeAnswer, judgeStatus, needsBody } from "./http-judgement.ts";
import type { HttpPlan } from "./http-settings.ts";
import { unhealthy } from "./outcome.ts";

/** One request and its answer, over HTTP/1.1. */
export class HttpDialogue implements Dialogue {
  readonly #plan: HttpPlan;
  readonly #request: string;
  readonly #answer: HttpAnswer;

  constructor(plan: HttpPlan, target: ProbeTarget, defaultPort: number) {
    const { method, path, host = authorityOf(target.address, defaultPort), maxBody } = plan.settings;
    this.#plan = plan;
    this.#request = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${plan.fieldLines}`;
    this.#answer = new HttpAnswer(method, maxBody);
  }

  get awaited(): string {
    return this.#answer.hasHead ? "end of the answer's body" : "answer";
  }

  start(socket: Socket): undefined {
    socket.write(this.#request, "latin1");
  }

  data(chunk: Buffer): ProbeResult | undefined {
    const answer = this.#answer;
    const wrong = answer.push(chunk);
    if (wrong !== undefined) return unhealthy(wrong);
    if (!answer.hasHead) return undefined;
    const result = judgeStatus(this.#plan, answer.head);
    if (result !== undefined) return result;
    // What is not needed is not read: the connection is closed with the head.
    return answer.isComplete || !needsBody(this.#plan, answer.head) ? judgeAnswer(this.#plan, answer) : undefined;
  }

  end(): ProbeResult {
    const missing = this.#answer.end();
    return missing === undefined ? judgeAnswer(this.#plan, this.#answer) : unhealthy(`the server ${missing}`);
  }
}
