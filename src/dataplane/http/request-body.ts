/** Where a request's body is sent. */
export interface BodySink {
  sendBody(bytes: Uint8Array): void;
}

/**
 * What is kept of a request's body: everything that comes before there is a connection, and, as long as it stays
 * below the limit, everything that was sent, so that it can be sent again to another server.
 */
export class RequestBody {
  /** Most bytes that are kept. */
  limit = 0;
  /** Its length in bytes if the head says so, else -1. */
  expected = -1;
  /** The client has sent all of it. */
  complete = false;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #kept = true;

  reset(): void {
    this.complete = false;
    this.expected = -1;
    this.#kept = true;
    this.#size = 0;
    if (this.#pieces.length !== 0) this.#pieces = [];
  }

  /** Takes bytes (for good) that cannot be sent yet. False when the client should pause. */
  hold(bytes: Uint8Array): boolean {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    return this.#size < this.limit;
  }

  /** Bytes that are being sent: copied if all of the body may still be kept. */
  keepCopy(bytes: Uint8Array): void {
    if (!this.#kept) return;
    this.#size += bytes.length;
    if (this.#size > this.limit) this.forget();
    else this.#pieces.push(Buffer.from(bytes));
  }

  /** Sends all that is kept. */
  sendTo(sink: BodySink): void {
    for (const piece of this.#pieces) sink.sendBody(piece);
    // One that is too long to be kept whole is not copied in part either.
    if (this.#size > this.limit || this.expected > this.limit) this.forget();
  }

  /** It will not be sent again. */
  forget(): void {
    this.#kept = false;
    if (this.#pieces.length !== 0) this.#pieces = [];
  }

  /** Whether the body can be sent once more from its beginning. */
  replayable(hasBody: boolean): boolean {
    return !hasBody || this.#kept;
  }
}
