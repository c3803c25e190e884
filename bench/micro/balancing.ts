/*
 * What a choice costs: ns per choose() and ms per update() for every algorithm at 10 to 10,000 servers.
 *
 *   scripts/node bench/micro/balancing.ts [--slow-start] [algorithm …]
 *
 * The servers are as under load: requests in flight, latencies and utilisation differ and change while it runs: every
 * choice raises the chosen server's requests in flight, and a choice made 4 × servers before is completed. Weights are
 * 1, 2 and 3; a tenth of the servers is not ready; keys are spread like hashes. Medians of 15 runs. With --slow-start, every tenth server has a scale of 0.1.
 */
import { Value } from "typebox/value";
import type { BalancingAlgorithm, Server, ServerSet, ServerSignals } from "../../src/core/balancing/balancer.ts";
import { algorithms, findAlgorithm } from "../../src/core/balancing/registry.ts";
import { seededRandom } from "../../src/core/random.ts";

const sizes = [10, 100, 1000, 10_000];
const slowStart = process.argv.includes("--slow-start");
const runs = 15;
const choicesPerRun = 20_000;
const outcome = { latency: 5, success: true, status: 200 };

function measure(algorithm: BalancingAlgorithm, size: number): { choose: number; update: number; memory: number } {
  const random = seededRandom(7);
  const inFlight = new Int32Array(size).map(() => random() * 8);
  const latency = new Float64Array(size).map(() => 1 + random() * 20);
  const latencyAt = new Float64Array(size);
  const signals: ServerSignals = {
    inFlight: (slot) => inFlight[slot] as number,
    latency: (slot) => latency[slot] as number,
    peakLatency: (slot) => latency[slot] as number,
    latencyAt: (slot) => latencyAt[slot] as number,
    errorRate: () => 0.01,
    requestRate: (slot) => 100 + (latency[slot] as number),
    utilisation: (slot) => (latency[slot] as number) / 30,
    utilisationAt: (slot) => latencyAt[slot] as number,
    readySince: () => 0,
  };
  const servers: Server[] = Array.from({ length: size }, (_, slot) => ({
    id: `10.${slot >> 16}.${(slot >> 8) & 255}.${slot & 255}:8080`,
    slot,
    weight: 1 + (slot % 3),
    scale: slowStart && slot % 10 === 5 ? 0.1 : 1,
    priority: 0,
    maxConnections: 100,
  }));
  const set = (version: number, weightOfFirst: number): ServerSet => {
    const all = servers.with(0, { ...(servers[0] as Server), weight: weightOfFirst });
    return { version, all, ready: all.filter((server) => server.slot % 10 !== 9) };
  };
  const before = process.memoryUsage();
  const balancer = algorithm.create({
    config: Value.Default(algorithm.schema, {}),
    clock: { now: () => performance.now(), wall: () => Date.now() },
    random,
    signals,
    worker: 0,
    workers: 1,
  });
  const updates: number[] = [];
  for (let version = 0; version < 5; version++) {
    const next = set(version, 1 + (version % 2));
    const start = performance.now();
    balancer.update(next);
    updates.push(performance.now() - start);
  }
  const after = process.memoryUsage();
  const context = { hashKey: 0, isExcluded: () => false };
  const open: Server[] = [];
  let oldest = 0;
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    let elapsed = 0;
    for (let batch = 0; batch < choicesPerRun; batch += 100) {
      const chosen: Server[] = [];
      const start = performance.now();
      for (let index = 0; index < 100; index++) {
        context.hashKey = (random() * 4294967296) >>> 0;
        const server = balancer.choose(context) as Server;
        inFlight[server.slot] = (inFlight[server.slot] as number) + 1;
        chosen.push(server);
      }
      elapsed += performance.now() - start;
      for (const server of chosen) {
        open.push(server);
        latency[server.slot] = 0.9 * (latency[server.slot] as number) + 0.1 * (1 + random() * 20);
        latencyAt[server.slot] = performance.now();
        if (open.length - oldest > 4 * size) {
          const done = open[oldest++] as Server;
          inFlight[done.slot] = (inFlight[done.slot] as number) - 1;
          balancer.onComplete?.(done, outcome);
        }
      }
    }
    times.push((elapsed / choicesPerRun) * 1e6);
  }
  return {
    choose: median(times),
    update: median(updates),
    memory: (after.arrayBuffers - before.arrayBuffers) / 2 ** 20,
  };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}

const wanted = process.argv.slice(2).filter((argument) => argument !== "--slow-start");
const chosen = wanted.length === 0 ? algorithms : wanted.map((name) => findAlgorithm(name) as BalancingAlgorithm);
const cell = (text: string, width = 9) => text.padStart(width);
console.log(
  `${"ns per choose() at".padEnd(30)}${sizes.map((size) => cell(String(size))).join("")}   update() ms at ${sizes.at(-1)}`,
);
for (const algorithm of chosen) {
  const results = sizes.map((size) => measure(algorithm, size));
  const figures = results.map((result) => cell(result.choose.toFixed(0))).join("");
  console.log(
    `${algorithm.name.padEnd(30)}${figures}   ${cell((results.at(-1) as { update: number }).update.toFixed(1))}`,
  );
}
