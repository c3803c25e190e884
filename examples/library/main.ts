import { createLoadBalancer, defineConfig } from "evenkeel";
import { startOrigin } from "../origins.ts";

/*
 * A load balancer inside another program: it starts two servers and a balancer in front, sends requests through it,
 * takes one server out while it runs, and stops everything.
 *
 *   scripts/node --conditions=evenkeel-source examples/library/main.ts
 *
 * (The condition lets a checkout use its own sources as "evenkeel"; with the package installed, it is not needed.)
 */

const origins = await Promise.all([startOrigin("first", 0), startOrigin("second", 0)]);

const configFor = (servers: string[]) =>
  defineConfig({
    workers: 1,
    listeners: { web: { listen: "127.0.0.1:0", pool: "web" } },
    pools: { web: { algorithm: "round_robin", servers, upstream: { connectTimeout: "1s" } } },
  });

const balancer = createLoadBalancer(configFor(origins.map((origin) => `127.0.0.1:${origin.port}`)));
const { listeners } = await balancer.start();
const [url] = listeners.web;
console.log(`listening on ${url}`);

/** Which servers answered `count` requests, with their counts. */
async function ask(count: number): Promise<Record<string, number>> {
  const answers: Record<string, number> = {};
  for (let request = 0; request < count; request++) {
    const response = await fetch(url);
    const { server } = (await response.json()) as { server: string };
    answers[server] = (answers[server] ?? 0) + 1;
  }
  return answers;
}

console.log("both:", JSON.stringify(await ask(10)));

const outcome = await balancer.reload(configFor([`127.0.0.1:${origins[1].port}`]));
console.log("reload:", outcome.result);
console.log("second only:", JSON.stringify(await ask(10)));
console.log("version:", balancer.stats().version);

await balancer.drain();
for (const origin of origins) origin.close();
