import type { Answer } from "../../core/filtering/filter.ts";
import type { AnsweredRequest, Downstream } from "./downstream.ts";
import type { AnswerableError } from "./error-answer.ts";

/** A client's side that takes everything down and does nothing of its own. */
export class FakeDownstream implements Downstream {
  readonly secure: boolean = false;
  readonly tls = null;
  readonly ownWriter = null;
  unsent = 0;
  needsDrain = false;
  /** Everything written, as latin1. */
  text = "";
  /** Number of writes; corked ones count once. */
  writes = 0;
  close = false;
  /** What was called besides, in order: "answerError no_route", "exchangeDone" … */
  readonly calls: string[] = [];
  #corked = 0;

  write(data: string | Uint8Array): void {
    this.text += typeof data === "string" ? data : Buffer.from(data).toString("latin1");
    if (this.#corked === 0) this.writes++;
  }
  cork(): void {
    this.#corked++;
  }
  uncork(): void {
    if (--this.#corked === 0) this.writes++;
  }
  resumeReading(): void {
    this.calls.push("resumeReading");
  }
  connectionLine(): string {
    return this.close ? "Connection: close\r\n" : "";
  }
  closeAfterAnswer(): void {
    this.close = true;
  }
  forwardedLines(): string {
    return "";
  }
  answer(_: AnsweredRequest, answer: Answer): void {
    this.calls.push(`answer ${answer.status}`);
  }
  answerError(_: AnsweredRequest, error: AnswerableError, message: string): void {
    this.calls.push(`answerError ${error.code} ${message}`);
  }
  count(status: number, duration: number): void {
    this.calls.push(`count ${status} ${duration}`);
  }
  exchangeDone(): void {
    this.calls.push("exchangeDone");
  }
  forget(): void {
    this.calls.push("forget");
  }
  cut(): void {
    this.calls.push("cut");
  }
  becomeTunnel(): void {
    this.calls.push("becomeTunnel");
  }
  tunnelWrite(): boolean {
    return true;
  }
  tunnelEnded(): void {
    this.calls.push("tunnelEnded");
  }
  tunnelClosed(): void {
    this.calls.push("tunnelClosed");
  }
  closeTunnel(): void {
    this.calls.push("closeTunnel");
  }
}
