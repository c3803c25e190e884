/** What an origin has to know of a request. */
export interface ReadRequest {
  readonly method: string;
  /** Its X-Test-Id; "-" when it has none. */
  readonly id: string;
}

const HEAD_END = "\r\n\r\n";
const LAST_CHUNK = "0\r\n\r\n";
const NO_REQUEST: ReadRequest = { method: "", id: "-" };

/**
 * Reads the requests of one connection, one at a time, as cheaply as a program can that shares its processors with
 * what it tests. `begun` is called when the head is there, because an origin may act on it from then on, `complete`
 * when the body (by length or chunked, dropped) is there too; the next request begins after `next`.
 */
export class RequestReader {
  readonly #begun: (request: ReadRequest) => void;
  readonly #complete: (request: ReadRequest) => void;
  #request = NO_REQUEST;
  #text = "";
  /** Bytes of the body that are still to come. */
  #body = 0;
  #chunked = false;
  #state: "head" | "body" | "answer" = "head";

  constructor(begun: (request: ReadRequest) => void, complete: (request: ReadRequest) => void) {
    this.#begun = begun;
    this.#complete = complete;
  }

  push(data: Buffer): void {
    this.#text += data.toString("latin1");
    this.#read();
  }

  /** The answer to the last request was written. */
  next(): void {
    this.#state = "head";
    this.#read();
  }

  #read(): void {
    if (this.#state === "head") this.#readHead();
    if (this.#state !== "body" || !this.#dropBody()) return;
    this.#state = "answer";
    this.#complete(this.#request);
  }

  #readHead(): void {
    const end = this.#text.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#text.slice(0, end + 2);
    this.#text = this.#text.slice(end + HEAD_END.length);
    this.#chunked = /\r\ntransfer-encoding: *chunked\r\n/i.test(head);
    this.#body = Number(/\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1] ?? 0);
    this.#state = "body";
    this.#request = {
      method: head.slice(0, head.indexOf(" ")),
      id: /\r\nx-test-id: *(\S+)\r\n/i.exec(head)?.[1] ?? "-",
    };
    this.#begun(this.#request);
  }

  /** True when all of the body was there. */
  #dropBody(): boolean {
    if (this.#chunked) {
      // The load sends no data that looks like a last chunk.
      const end = this.#text.indexOf(LAST_CHUNK);
      if (end < 0) return false;
      this.#text = this.#text.slice(end + LAST_CHUNK.length);
      return true;
    }
    const taken = Math.min(this.#body, this.#text.length);
    this.#text = this.#text.slice(taken);
    this.#body -= taken;
    return this.#body === 0;
  }
}
