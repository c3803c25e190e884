import { describe, expect, it } from "vitest";
import { startProxy } from "../../support/proxy.ts";
import { exchange, RawClient } from "../../support/raw-client.ts";
import { startRawOrigin } from "../../support/raw-origin.ts";

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n`;

describe("a client that resets its connection before it is accepted", () => {
  it("has no address any more, and is not taken for this machine", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { listener: { trustedProxies: ["127.0.0.1"] } });
    // An idle connection to the server: a request would go out in the very call that reads it.
    await exchange(evenkeel.port(), request("/first"));
    evenkeel.signal("SIGSTOP");
    const attackers = await Promise.all(
      Array.from({ length: 10 }, () => RawClient.connect(evenkeel.port(), { localAddress: "127.0.0.2" })),
    );
    await Promise.all(attackers.map((client) => client.send(request("/spoofed"))));
    for (const client of attackers) client.reset();
    await Promise.all(attackers.map((client) => client.closed()));
    evenkeel.signal("SIGCONT");
    await exchange(evenkeel.port(), request("/last"));
    const spoofed = origin.requests.filter(({ target }) => target === "/spoofed");
    expect(spoofed.filter(({ headers }) => headers["x-forwarded-for"] !== "127.0.0.2")).toEqual([]);
  });
});

describe("what only a proxy can know", () => {
  const claims = "X-Real-IP: 10.1.1.1\r\nX-Forwarded-Prefix: //evil\r\nx-forwarded-server: evil\r\n";

  it.each([
    ["is not believed of a client", [], [undefined, undefined, undefined]],
    ["goes on from a trusted proxy", ["127.0.0.1"], ["10.1.1.1", "//evil", "evil"]],
  ])("%s", async (_, trustedProxies, expected) => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { listener: { trustedProxies } });
    await exchange(evenkeel.port(), `GET / HTTP/1.1\r\nHost: a\r\n${claims}\r\n`);
    const { headers } = origin.requests[0];
    const names = ["x-real-ip", "x-forwarded-prefix", "x-forwarded-server"];
    expect(names.map((name) => headers[name])).toEqual(expected);
  });
});
