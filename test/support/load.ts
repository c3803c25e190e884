import { atEnd } from "./cleanup.ts";
import { RawClient, type RawResponse } from "./raw-client.ts";

/** What the clients of a load do. */
export interface LoadOptions {
  readonly clients: number;
  /** Bytes of the next request of a client. */
  readonly request: (client: number) => string;
  /** Whether a client opens a connection for each request; otherwise it keeps one as long as the proxy does. */
  readonly fresh?: (client: number) => boolean;
  readonly onResponse?: (response: RawResponse) => void;
}

/** Clients that send one request after the other until the test says stop, and what they met. */
export class Load {
  /** Outcome (a status, or an error's message) → how often. */
  readonly outcomes: Record<string, number> = {};
  /** Answers with 200. */
  served = 0;
  private running = true;
  private readonly done: Promise<unknown>;

  constructor(port: number, options: LoadOptions) {
    this.done = Promise.all(Array.from({ length: options.clients }, (_, i) => this.run(port, i, options)));
    atEnd(() => this.stop());
  }

  /** Outcomes other than 200, as "outcome × count". */
  get failures(): string[] {
    return Object.entries(this.outcomes)
      .filter(([outcome]) => outcome !== "200")
      .map(([outcome, count]) => `${outcome} × ${count}`);
  }

  /** Lets the requests that are running end. */
  async stop(): Promise<void> {
    this.running = false;
    await this.done;
  }

  private async run(port: number, number: number, { request, fresh, onResponse }: LoadOptions): Promise<void> {
    let client: RawClient | undefined;
    while (this.running) {
      try {
        client ??= await RawClient.connect(port);
        await client.send(request(number));
        const response = await client.response();
        this.count(String(response.status));
        if (response.status === 200) this.served++;
        onResponse?.(response);
        if (response.headers["connection"] !== "close" && fresh?.(number) !== true) continue;
      } catch (error) {
        if (!this.running) break;
        this.count((error as Error).message);
        await new Promise(setImmediate);
      }
      client?.socket.destroy();
      client = undefined;
    }
    client?.socket.destroy();
  }

  private count(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }
}
