/**
 * Compares the codec with two parsers that others have written: llhttp, through node:http, and http-parser-js. Inputs are valid and
 * invalid messages, changed at random; the same seed gives the same inputs.
 *
 * EVENKEEL_FUZZ_CASES: number of inputs per direction (default 30,000 requests and a quarter of that of responses).
 * EVENKEEL_FUZZ_SEED: seed (default 1). A failure prints its input, which then becomes a unit test.
 */
import { afterAll, describe, expect, it } from "vitest";
import { HTTP_PARSER_JS, LLHTTP, unexplained } from "./disagreements.ts";
import { readRequests, readResponse } from "./evenkeel.ts";
import { readWithHttpParserJs } from "./http-parser-js.ts";
import { LlhttpRequests, readResponseWithLlhttp } from "./llhttp.ts";
import type { Reading } from "./messages.ts";
import { Chance, mutate } from "./mutate.ts";
import { REQUEST_SEEDS, RESPONSE_SEEDS } from "./seeds.ts";

const cases = Number(process.env["EVENKEEL_FUZZ_CASES"] ?? 30_000);
const seed = Number(process.env["EVENKEEL_FUZZ_SEED"] ?? 1);
const timeout = 60_000 + cases * 10;

const llhttp = new LlhttpRequests();
afterAll(() => llhttp.close());

/** Counts what was compared, so that a broken harness that accepts or refuses everything shows. */
class Tally {
  private accepted = 0;
  private refused = 0;
  private agreed = 0;
  readonly failures: string[] = [];

  add(stream: string, ours: Reading, byLlhttp: Reading, byHttpParserJs: Reading): void {
    this.accepted += ours.messages.length;
    if (ours.error !== "") this.refused++;
    if (ours.messages.length > 0 && ours.messages.length === byLlhttp.messages.length) this.agreed++;
    for (const [name, oracle, theirs] of [
      ["llhttp", LLHTTP, byLlhttp],
      ["http-parser-js", HTTP_PARSER_JS, byHttpParserJs],
    ] as const) {
      const reason = unexplained(oracle, ours, theirs, stream);
      if (reason !== undefined) this.failures.push(`${name}: ${reason}\n  in ${JSON.stringify(stream)}`);
    }
  }

  check(inputs: number): void {
    expect(this.failures.slice(0, 5), `seed ${seed}, ${this.failures.length} failures`).toEqual([]);
    expect(this.accepted).toBeGreaterThan(inputs / 10);
    expect(this.refused).toBeGreaterThan(inputs / 10);
    expect(this.agreed).toBeGreaterThan(inputs / 10);
  }
}

describe("HTTP/1.1 codec against two other parsers", () => {
  it(
    "reads requests as they do, or refuses more",
    async () => {
      const chance = new Chance(seed);
      const tally = new Tally();
      for (let i = 0; i < cases; i++) {
        const begun = REQUEST_SEEDS[i] ?? chance.pick(REQUEST_SEEDS);
        const stream = i < REQUEST_SEEDS.length ? begun : mutate(begun, chance, REQUEST_SEEDS);
        tally.add(stream, readRequests(stream), await llhttp.read(stream), readWithHttpParserJs(stream));
      }
      tally.check(cases);
    },
    timeout,
  );

  it(
    "reads responses as they do, or refuses more",
    async () => {
      const chance = new Chance(seed + 1);
      const tally = new Tally();
      const inputs = Math.ceil(cases / 4);
      for (let i = 0; i < inputs; i++) {
        const begun = RESPONSE_SEEDS[i] ?? chance.pick(RESPONSE_SEEDS);
        const stream = i < RESPONSE_SEEDS.length ? begun : mutate(begun, chance, RESPONSE_SEEDS);
        const method = chance.pick(["GET", "GET", "GET", "POST", "HEAD"]);
        const ours = readResponse(stream, method);
        tally.add(stream, ours, await readResponseWithLlhttp(stream, method), readWithHttpParserJs(stream, method));
      }
      tally.check(inputs);
    },
    timeout,
  );
});
