import { performance } from "node:perf_hooks";
import type { RouteInput, RouteRequest } from "../../src/core/routing/route-match.ts";
import { compileRoutes } from "../../src/core/routing/route-table.ts";

/*
 * Nanoseconds to find the route of a request, in tables of different length and kind. Each line is the best of several
 * rounds, as the others were disturbed by something.
 *
 * Run: scripts/node bench/micro/routing.ts
 */

class Request implements RouteRequest {
  method = "GET";
  host: string;
  path: string;
  query = "";

  constructor(host: string, path: string) {
    this.host = host;
    this.path = path;
  }
  get(): string | undefined {
    return undefined;
  }
  cookie(): string | undefined {
    return undefined;
  }
  clientAddress(): string {
    return "192.0.2.1";
  }
}

const REQUESTS = 1024;
const ROUNDS = 7;
const ROUND_MS = 60;

/** Text that was not made by the benchmark's own string constants: slices of a received head are flat and new. */
const received = (text: string) => Buffer.from(text, "latin1").latin1Slice();

function measure(name: string, routes: RouteInput[], makeRequest: (index: number) => Request): void {
  const table = compileRoutes(routes);
  const requests = Array.from({ length: REQUESTS }, (_, index) => makeRequest(index));
  let sum = 0;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    let matches = 0;
    while (performance.now() - start < ROUND_MS) {
      for (let index = 0; index < REQUESTS; index++) sum += table.match(requests[index]);
      matches += REQUESTS;
    }
    best = Math.min(best, ((performance.now() - start) * 1e6) / matches);
  }
  // The sum is used, so that no match can be left out.
  console.log(`${name.padEnd(52)} ${best.toFixed(1).padStart(8)} ns${Number.isNaN(sum) ? "!" : ""}`);
}

/** A table as a big installation has it: a third exact hosts, a third wildcard hosts, a third prefixes of one API. */
function mixed(count: number): RouteInput[] {
  return Array.from({ length: count }, (_, index) => {
    if (index % 3 === 0) return { match: { host: [`shop-${index}.example.com`], path: ["/v1/*"] } };
    if (index % 3 === 1) return { match: { host: [`*.tenant-${index}.example.net`] } };
    return { match: { path: [`/api/service-${index}/*`], methods: ["GET", "POST"] } };
  });
}

function mixedRequest(index: number, count: number): Request {
  const target = (index * 7919) % count;
  if (target % 3 === 0) return new Request(received(`shop-${target}.example.com`), received("/v1/orders/17"));
  if (target % 3 === 1) return new Request(received(`www.tenant-${target}.example.net`), received("/index.html"));
  return new Request(received("api.example.com"), received(`/api/service-${target}/items/42`));
}

const plain = (index: number) => new Request(received("www.example.com"), received(`/items/${index}`));

measure("1 route that matches everything", [{}], plain);
measure("1 prefix", [{ match: { path: ["/items/*"] } }], plain);
for (const count of [4, 10, 100, 1000]) {
  measure(`${count} mixed routes, one matches`, mixed(count), (index) => mixedRequest(index, count));
  measure(`${count} mixed routes, none matches`, mixed(count), plain);
}
measure(
  "1,000 routes under one host and one first segment",
  Array.from({ length: 1000 }, (_, index) => ({
    match: { host: ["api.example.com"], path: [`/api/service-${index}/*`] },
  })),
  (index) => new Request(received("api.example.com"), received(`/api/service-${index % 1000}/items/42`)),
);
measure(
  "100 regular expressions, the last matches",
  Array.from({ length: 100 }, (_, index) => ({ match: { path: [`~^/r${index}/\\d+$`] } })),
  () => new Request(received("www.example.com"), received("/r99/17")),
);
measure("glob /users/*/posts/**/comments", [{ match: { path: ["/users/*/posts/**/comments"] } }], () => {
  return new Request(received("www.example.com"), received("/users/17/posts/2026/11/21/comments"));
});
