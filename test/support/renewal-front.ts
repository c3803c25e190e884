import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { atEnd } from "./cleanup.ts";
import { fetchText, type Pebble } from "./pebble.ts";

/** When certificates are to be renewed, by the certificate's id; null: the authority knows nothing of it. */
export type SuggestWindow = (id: string) => { readonly start: number; readonly end: number } | null;

/** A directory that is pebble's and has renewal information as well (RFC 9773), which this version of pebble lacks. */
export class RenewalFront {
  /** Ids of the certificates that were asked about. */
  readonly asked: string[] = [];
  suggest: SuggestWindow;
  readonly #port: number;

  constructor(port: number, suggest: SuggestWindow) {
    this.#port = port;
    this.suggest = suggest;
  }

  get directory(): string {
    return `${this.origin}/dir`;
  }

  get origin(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** The page that explains the window. */
  get explanation(): string {
    return `${this.origin}/why`;
  }

  answer(id: string, response: ServerResponse): void {
    this.asked.push(id);
    const window = this.suggest(id);
    if (window === null) {
      response.writeHead(404, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ type: "urn:ietf:params:acme:error:malformed", detail: "no such certificate" }));
      return;
    }
    const [start, end] = [window.start, window.end].map((time) => new Date(time).toISOString());
    response.writeHead(200, { "content-type": "application/json", "retry-after": "21600" });
    response.end(JSON.stringify({ suggestedWindow: { start, end }, explanationURL: this.explanation }));
  }
}

async function passOn(pebble: Pebble, front: RenewalFront, response: ServerResponse): Promise<void> {
  try {
    const directory = JSON.parse(await fetchText(pebble.directory)) as object;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...directory, renewalInfo: `${front.origin}/renewal` }));
  } catch {
    response.writeHead(502).end();
  }
}

/** Starts a directory with renewal information in front of pebble. It ends with the test. */
export async function startRenewalFront(pebble: Pebble, suggest: SuggestWindow): Promise<RenewalFront> {
  const server = createServer({ cert: readFileSync(pebble.files.cert), key: readFileSync(pebble.files.key) });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const front = new RenewalFront((server.address() as AddressInfo).port, suggest);
  server.on("request", (request, response) => {
    const [, id] = /^\/renewal\/([\w.-]+)$/.exec(request.url!) ?? [];
    if (id !== undefined) return front.answer(id, response);
    void passOn(pebble, front, response);
  });
  return front;
}
