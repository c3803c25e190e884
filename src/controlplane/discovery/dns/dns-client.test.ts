import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { a, cname, encodeReply, startDnsServer, zone } from "../../../../test/support/dns-server.ts";
import { MAX_WRONG_ANSWERS } from "../limits.ts";
import { StubResolver } from "./dns-client.ts";

const never = new AbortController().signal;
const ADDRESS = { type: "A", name: "web.test", ttl: 5, address: "192.0.2.1" };

function client(servers: readonly { address: string }[], timeout = 300) {
  return new StubResolver(
    servers.map(({ address }) => address),
    timeout,
  );
}

describe("a question", () => {
  it("gets its answer, whatever the case and the dot at the end", async () => {
    const server = await startDnsServer(() => ({ answers: [a("WEB.test", "192.0.2.1", 5)] }));
    const { rcode, answers } = await client([server]).ask("Web.Test.", "A", never);
    expect(rcode).toBe("NOERROR");
    expect(answers).toEqual([ADDRESS]);
    expect(server.questions).toMatchObject([{ name: "web.test", type: "A", over: "udp", extended: true }]);
  });

  it("has an id and a port by chance", async () => {
    const server = await startDnsServer(zone([a("web.test", "192.0.2.1")]));
    for (let i = 0; i < 20; i++) await client([server]).ask("web.test", "A", never);
    expect(new Set(server.questions.map(({ id }) => id)).size).toBeGreaterThan(15);
  });

  it("is asked again over TCP when the answer did not fit", async () => {
    const server = await startDnsServer((question) =>
      question.over === "udp"
        ? { truncated: true }
        : { answers: Array.from({ length: 1000 }, (_, i) => a("web.test", `10.0.${i >> 8}.${i & 255}`)) },
    );
    const { answers } = await client([server]).ask("web.test", "A", never);
    expect(answers).toHaveLength(1000);
    expect(server.questions.map(({ over }) => over)).toEqual(["udp", "tcp"]);
  });

  it("is asked again without EDNS where that is not known, and so from then on", async () => {
    const server = await startDnsServer((question) =>
      question.extended ? { rcode: 1 } : { answers: [a("web.test", "192.0.2.1")] },
    );
    const resolver = client([server]);
    expect((await resolver.ask("web.test", "A", never)).answers).toHaveLength(1);
    expect((await resolver.ask("web.test", "A", never)).answers).toHaveLength(1);
    expect(server.questions.map(({ extended }) => extended)).toEqual([true, false, false]);
  });

  it("says that a name does not exist", async () => {
    const server = await startDnsServer(zone([]));
    expect(await client([server]).ask("web.test", "A", never)).toMatchObject({ rcode: "NXDOMAIN", answers: [] });
  });

  it("ends at once when it is cancelled", async () => {
    const server = await startDnsServer(() => undefined);
    const abort = new AbortController();
    const asked = client([server], 60_000).ask("web.test", "A", abort.signal);
    abort.abort();
    await expect(asked).rejects.toThrow("cancelled");
    await expect(client([server], 60_000).ask("web.test", "A", abort.signal)).rejects.toThrow("cancelled");
  });
});

describe("resolvers", () => {
  it("are asked one after the other, beginning with the one that answered last", async () => {
    const silent = await startDnsServer(() => undefined);
    const broken = await startDnsServer(() => ({ rcode: 2 }));
    const good = await startDnsServer(zone([a("web.test", "192.0.2.1", 5)]));
    const resolver = client([silent, broken, good], 50);
    expect((await resolver.ask("web.test", "A", never)).answers).toEqual([ADDRESS]);
    expect([silent, broken, good].map(({ questions }) => questions.length)).toEqual([1, 1, 1]);
    await resolver.ask("web.test", "A", never);
    expect([silent, broken, good].map(({ questions }) => questions.length)).toEqual([1, 1, 2]);
  });

  it("are named with what they did when none of them answers", async () => {
    const silent = await startDnsServer(() => undefined);
    const broken = await startDnsServer(() => ({ rcode: 2 }));
    const gone = await startDnsServer(() => undefined);
    gone.close();
    const error = client([silent, broken, gone], 50).ask("web.test", "A", never);
    await expect(error).rejects.toThrow(
      `A of web.test: ${silent.address}: no answer within 50 ms; ${broken.address}: SERVFAIL; ${gone.address}: nobody listens there`,
    );
    expect(silent.questions).toHaveLength(2);
  });
});

describe("what is no answer to the question", () => {
  it.each([
    ["another id", (id: number) => ({ id: id ^ 1 })],
    ["another name", () => ({ name: "evil.test" })],
    ["another type", () => ({ type: "AAAA" })],
  ])("is passed over: %s", async (_what, change) => {
    const server = await startDnsServer((question) => [
      encodeReply({ ...question, ...change(question.id) }, { answers: [a("web.test", "203.0.113.66")] }),
      encodeReply(question, { answers: [a("web.test", "192.0.2.1", 5)] }),
    ]);
    expect((await client([server]).ask("web.test", "A", never)).answers).toEqual([ADDRESS]);
  });

  it("is passed over when it is the question itself, or no message at all", async () => {
    const server = await startDnsServer((question) => {
      const good = encodeReply(question, { answers: [a("web.test", "192.0.2.1", 5)] });
      const echo = Buffer.from(good);
      echo[2]! &= 0x7f;
      return [echo, Buffer.alloc(0), good.subarray(0, 20), randomBytes(100), good];
    });
    expect((await client([server]).ask("web.test", "A", never)).answers).toEqual([ADDRESS]);
  });

  it("is passed over only so often", async () => {
    const server = await startDnsServer(() => Array.from({ length: MAX_WRONG_ANSWERS }, () => Buffer.from("nonsense")));
    await expect(client([server], 60_000).ask("web.test", "A", never)).rejects.toThrow(
      "only messages that are no answer",
    );
  });

  it("ends a question over TCP", async () => {
    const server = await startDnsServer((question) =>
      question.over === "udp" ? { truncated: true } : Buffer.from("nonsense"),
    );
    await expect(client([server]).ask("web.test", "A", never)).rejects.toThrow("not an answer to the question (TCP)");
  });

  it("leaves out records of other classes and of kinds that are not understood", async () => {
    const server = await startDnsServer(() => ({
      answers: [
        { type: "TXT", name: "web.test", data: "hello" },
        { type: "A", class: "CH", name: "web.test", data: "203.0.113.1" },
        cname("web.test", "other.test"),
        a("web.test", "192.0.2.1", 2 ** 31),
      ],
    }));
    const { answers } = await client([server]).ask("web.test", "A", never);
    expect(answers).toEqual([
      { type: "CNAME", name: "web.test", ttl: 1, target: "other.test" },
      { ...ADDRESS, ttl: 0 },
    ]);
  });
});
