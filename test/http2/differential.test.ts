import { afterEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import {
  nodeClient,
  nodeServer,
  ourClient,
  ourServer,
  type Answer,
  type Ask,
  type ExchangeClient,
} from "./support/exchange-peers.ts";

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0).toReversed()) one.close();
});

/** Exchanges of many shapes: no, short and long bodies both ways, repeated and new fields, trailers, resets. */
function asks(seed: number, count: number): Ask[] {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const length = (): number => [0, below(50), below(20_000), below(300_000)][below(4)];
  return Array.from({ length: count }, (_, index) => ({
    headers: Object.fromEntries(
      Array.from({ length: below(8) }, () => [
        `x-${below(20)}`,
        "v".repeat(below(below(20) === 0 ? 3000 : 40)) + below(5),
      ]),
    ),
    body: Buffer.alloc(length(), `body ${index} `),
    trailers: below(4) === 0 ? { "x-checksum": String(index) } : {},
    answerLength: length(),
    answerTrailers: below(4) === 0,
    reset: below(12) === 0 ? [2, 7, 8, 11, 13][below(5)] : -1,
  }));
}

/** All answers, with many exchanges at one time. */
async function run(client: ExchangeClient, all: readonly Ask[]): Promise<Answer[]> {
  opened.push(client);
  return Promise.all(all.map((one) => client.ask(one)));
}

const sizes = [
  { name: "default windows", window: 65_535, table: 4096 },
  { name: "small windows and no table", window: 2000, table: 0 },
  { name: "large windows and table", window: 1_000_000, table: 65_536 },
];

describe.each(sizes)("exchanges with $name are the same with node:http2 at either end", ({ window, table }) => {
  const ours = { streamWindow: window, connectionWindow: Math.max(window, 65_535), headerTableSize: table };
  const node = { initialWindowSize: window, headerTableSize: table };

  it.each([1, 2, 3])("seed %i", async (seed) => {
    const all = asks(seed, 120);
    const nodes = await nodeServer(node);
    const our = await ourServer(ours);
    opened.push(nodes, our);
    const reference = await run(await nodeClient(nodes.port, node), all);
    expect(reference.filter(({ status }) => status === "200").length).toBeGreaterThan(80);
    expect(await run(await nodeClient(our.port, node), all)).toEqual(reference);
    expect(await run(await ourClient(nodes.port, ours), all)).toEqual(reference);
    expect(await run(await ourClient(our.port, ours), all)).toEqual(reference);
  });
});
