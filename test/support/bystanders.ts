import { expect } from "vitest";
import { atEnd } from "./cleanup.ts";
import { openSession, request } from "./http2-client.ts";
import { RawClient } from "./raw-client.ts";

/** Percentile 99 of times. */
const p99 = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * 0.99))] ?? 0;

/**
 * A client of HTTP/1.1 and one of HTTP/2 that ask for one thing after the other, while others attack: each must get every
 * answer, soon.
 */
export class Bystanders {
  /** What was no 200: statuses and errors. */
  readonly failures: string[] = [];
  private times: number[] = [];
  private running = true;
  private readonly done: Promise<unknown>;

  private constructor(asks: readonly (() => Promise<number>)[]) {
    this.done = Promise.all(asks.map((ask) => this.run(ask)));
    atEnd(() => this.stop());
  }

  /** @param session address for node:http2, with its options; the HTTP/1.1 client is on the same port unless told otherwise */
  static async start(url: string, port: number, path = "/"): Promise<Bystanders> {
    const session = await openSession(url);
    const client = await RawClient.connect(port);
    return new Bystanders([
      async () => (await request(session, { ":path": path })).status,
      async () => {
        await client.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
        return (await client.response()).status;
      },
    ]);
  }

  /** Number of answers since the last `percentile`. */
  get answers(): number {
    return this.times.length;
  }

  /** Percentile 99 of the time to an answer since the last call, in ms. */
  percentile(): number {
    const result = p99(this.times);
    this.times = [];
    return result;
  }

  /** Nobody has missed an answer. */
  expectUnharmed(): void {
    expect(this.failures).toEqual([]);
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.done;
  }

  private async run(ask: () => Promise<number>): Promise<void> {
    while (this.running) {
      const started = performance.now();
      try {
        const status = await ask();
        if (status !== 200) this.failures.push(String(status));
      } catch (error) {
        if (!this.running) return;
        this.failures.push((error as Error).message);
        return;
      }
      this.times.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
