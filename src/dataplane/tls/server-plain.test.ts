import { afterAll } from "vitest";

/* Listeners with TLS once more without bare handles; only tickets of older keys are not to be had there. */
const before = process.env["EVENKEEL_PLAIN_SOCKETS"];
process.env["EVENKEEL_PLAIN_SOCKETS"] = "1";
afterAll(() => {
  if (before === undefined) delete process.env["EVENKEEL_PLAIN_SOCKETS"];
  else process.env["EVENKEEL_PLAIN_SOCKETS"] = before;
});

await import("./server-tls.test.ts");
await import("./server-handshake.test.ts");
await import("./client-certificates.test.ts");
