import type { ProxyError } from "../../../core/errors.ts";
import type { UpstreamStream } from "./upstream-stream.ts";

/** The streams of one connection to a server. A stream holds its own place, so that a request costs no entry. */
export class StreamList {
  #first: UpstreamStream | null = null;
  size = 0;

  add(stream: UpstreamStream): void {
    stream.next = this.#first;
    if (this.#first !== null) this.#first.previous = stream;
    this.#first = stream;
    this.size++;
  }

  remove(stream: UpstreamStream): void {
    if (stream.previous === null) this.#first = stream.next;
    else stream.previous.next = stream.next;
    if (stream.next !== null) stream.next.previous = stream.previous;
    stream.next = stream.previous = null;
    this.size--;
  }

  /** How many requests were sent between these times and have got nothing since. */
  unanswered(before: number, after: number): number {
    let count = 0;
    for (let stream = this.#first; stream !== null; stream = stream.next) {
      if (stream.isUnanswered(before, after)) count++;
    }
    return count;
  }

  /** Asks the users that were left without a byte since before that time to go elsewhere. */
  moveUnanswered(error: ProxyError, before: number): void {
    for (const stream of this.now()) if (stream.isUnanswered(before, 0)) stream.suspect(error);
  }

  /** Those that there are now: what is done to them changes the list. */
  now(): UpstreamStream[] {
    const streams: UpstreamStream[] = [];
    for (let stream = this.#first; stream !== null; stream = stream.next) streams.push(stream);
    return streams;
  }
}
