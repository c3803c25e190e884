import { afterAll, beforeAll } from "vitest";

/*
 * The program without its own sockets on libuv's handles (docs/architecture.md): the scenarios in which sockets matter
 * most, once more with those of node:net.
 */
const before = process.env["EVENKEEL_PLAIN_SOCKETS"];
beforeAll(() => {
  process.env["EVENKEEL_PLAIN_SOCKETS"] = "1";
});
afterAll(() => {
  if (before === undefined) delete process.env["EVENKEEL_PLAIN_SOCKETS"];
  else process.env["EVENKEEL_PLAIN_SOCKETS"] = before;
});

await import("./keep-alive.test.ts");
await import("./backpressure.test.ts");
await import("./early-answers.test.ts");
await import("./upgrades.test.ts");
