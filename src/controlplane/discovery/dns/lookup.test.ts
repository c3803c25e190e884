import { describe, expect, it } from "vitest";
import { MAX_TARGET_LOOKUPS } from "../limits.ts";
import type { DnsClient } from "./dns-client.ts";
import type { DnsAnswer, DnsRecord, QuestionType } from "./dns-message.ts";
import { lookupAddresses, type Family } from "./lookup-addresses.ts";
import { lookupServices, type ServiceLookup } from "./lookup-services.ts";

const never = new AbortController().signal;

/** Answers from a list of records; a name in `failing` cannot be asked for. */
class FakeClient implements DnsClient {
  readonly asked: string[] = [];
  readonly failing = new Set<string>();
  records: readonly DnsRecord[];
  additionals: readonly DnsRecord[] = [];

  constructor(records: readonly DnsRecord[]) {
    this.records = records;
  }

  async ask(name: string, type: QuestionType): Promise<DnsAnswer> {
    this.asked.push(`${type} ${name}`);
    if (this.failing.has(name)) throw new Error(`${name}: SERVFAIL`);
    const exists = this.records.some((record) => record.name === name);
    const answers = this.records.filter(
      (record) => record.type === "CNAME" || (record.name === name && record.type === type) || isBehind(record, type),
    );
    const rcode = exists ? "NOERROR" : "NXDOMAIN";
    return { rcode, truncated: false, answers: exists ? answers : [], additionals: this.additionals };
  }
}

const isBehind = (record: DnsRecord, type: string) => record.name.startsWith("real.") && record.type === type;
const a = (name: string, address: string, ttl = 60): DnsRecord => ({ type: "A", name, ttl, address });
const aaaa = (name: string, address: string, ttl = 60): DnsRecord => ({ type: "AAAA", name, ttl, address });
const cname = (name: string, target: string, ttl = 60): DnsRecord => ({ type: "CNAME", name, ttl, target });
const srv = (target: string, port: number, weight = 1, priority = 0, ttl = 60): DnsRecord => {
  return { type: "SRV", name: "_s._tcp.test", ttl, target, port, weight, priority };
};

describe("the addresses of a name", () => {
  const both = [a("web", "192.0.2.2", 7), a("web", "192.0.2.1", 9), aaaa("web", "2001:db8::1", 5)];

  it.each<[Family, readonly string[], number, readonly string[]]>([
    ["auto", ["192.0.2.1", "192.0.2.2"], 7, ["A web"]],
    ["ipv4", ["192.0.2.1", "192.0.2.2"], 7, ["A web"]],
    ["ipv6", ["2001:db8::1"], 5, ["AAAA web"]],
    ["both", ["192.0.2.1", "192.0.2.2", "2001:db8::1"], 5, ["A web", "AAAA web"]],
  ])(
    "of family %s, in an order of their own, with the shortest time to live",
    async (family, addresses, ttl, asked) => {
      const client = new FakeClient(both);
      expect(await lookupAddresses(client, "web", family, never)).toEqual({ addresses, ttl, exists: true });
      expect(client.asked).toEqual(asked);
    },
  );

  it("are the IPv6 ones where there are no others, and a name that does not exist is not asked about twice", async () => {
    const client = new FakeClient([aaaa("web", "2001:db8::1")]);
    expect((await lookupAddresses(client, "web", "auto", never)).addresses).toEqual(["2001:db8::1"]);
    client.asked.length = 0;
    expect(await lookupAddresses(client, "nope", "auto", never)).toEqual({ addresses: [], ttl: 0, exists: false });
    expect(client.asked).toEqual(["A nope"]);
  });

  it("are found behind aliases, however they are ordered, and not beside them", async () => {
    const chain = [a("real.web", "192.0.2.1"), a("real.other", "203.0.113.1"), cname("mid", "real.web", 3)];
    const client = new FakeClient([...chain, cname("web", "mid", 9)]);
    expect(await lookupAddresses(client, "web", "ipv4", never)).toEqual({
      addresses: ["192.0.2.1"],
      ttl: 3,
      exists: true,
    });
  });

  it("are none where aliases go round in a circle", async () => {
    const client = new FakeClient([cname("web", "mid"), cname("mid", "web")]);
    expect((await lookupAddresses(client, "web", "ipv4", never)).addresses).toEqual([]);
  });
});

const lookup = (client: FakeClient, known = new Map<string, readonly string[]>(), family: Family = "auto") =>
  lookupServices(client, "_s._tcp.test", family, known, never);
const short = ({ servers }: ServiceLookup) =>
  servers.map(({ address, weight, priority }) => `${address} ${weight} ${priority}`);

describe("the servers of a service", () => {
  it("have the ports, weights and ranks of their records, and the shortest time to live", async () => {
    const client = new FakeClient([
      srv("a.test", 8001, 3, 10, 9),
      srv("b.test", 8002, 1, 10, 8),
      srv("c.test", 8003, 5, 70),
      a("a.test", "192.0.2.1", 4),
      a("b.test", "192.0.2.2"),
      a("c.test", "192.0.2.3"),
    ]);
    const found = await lookup(client);
    expect(short(found)).toEqual(["192.0.2.1:8001 3 0", "192.0.2.2:8002 1 0", "192.0.2.3:8003 5 1"]);
    expect(found).toMatchObject({ ttl: 4, exists: true, incomplete: undefined });
  });

  it("are not looked up by themselves when the answer brought their addresses", async () => {
    const client = new FakeClient([srv("a.test", 8001)]);
    client.additionals = [a("a.test", "192.0.2.1"), a("x.test", "203.0.113.1")];
    expect(short(await lookup(client))).toEqual(["192.0.2.1:8001 1 0"]);
    expect(client.asked).toEqual(["SRV _s._tcp.test"]);
  });

  it("share the weight of a target that has several addresses", async () => {
    const client = new FakeClient([
      srv("a.test", 80, 2),
      srv("b.test", 80, 2),
      a("a.test", "192.0.2.1"),
      a("a.test", "192.0.2.2"),
      a("b.test", "192.0.2.3"),
    ]);
    expect(short(await lookup(client))).toEqual(["192.0.2.1:80 100 0", "192.0.2.2:80 100 0", "192.0.2.3:80 200 0"]);
  });

  it("of weight 0 get hardly anything beside others, and as much as others where all have it", async () => {
    const addresses = [a("a.test", "192.0.2.1"), a("b.test", "192.0.2.2")];
    const mixed = new FakeClient([srv("a.test", 80, 0), srv("b.test", 80, 65_535), ...addresses]);
    expect(short(await lookup(mixed))).toEqual(["192.0.2.1:80 1 0", "192.0.2.2:80 65535 0"]);
    const small = new FakeClient([srv("a.test", 80, 0), srv("b.test", 80, 1), ...addresses]);
    expect(short(await lookup(small))).toEqual(["192.0.2.1:80 1 0", "192.0.2.2:80 100 0"]);
    const all = new FakeClient([srv("a.test", 80, 0), srv("b.test", 80, 0), ...addresses]);
    expect(short(await lookup(all))).toEqual(["192.0.2.1:80 1 0", "192.0.2.2:80 1 0"]);
  });

  it("do not have port 0, and the root as a target means that there are none", async () => {
    const client = new FakeClient([srv("", 80), srv("a.test", 0), a("a.test", "192.0.2.1")]);
    expect(await lookup(client)).toMatchObject({ servers: [], exists: true });
  });

  it("keep the addresses that a target had while it cannot be looked up", async () => {
    const client = new FakeClient([
      srv("a.test", 80),
      srv("b.test", 80),
      a("a.test", "192.0.2.1"),
      a("b.test", "192.0.2.2"),
    ]);
    const known = new Map<string, readonly string[]>();
    await lookup(client, known);
    client.failing.add("b.test");
    const found = await lookup(client, known);
    expect(short(found)).toEqual(["192.0.2.1:80 1 0", "192.0.2.2:80 1 0"]);
    expect(found.incomplete).toBe("b.test: SERVFAIL");
    client.failing.add("_s._tcp.test");
    await expect(lookup(client, known)).rejects.toThrow("SERVFAIL");
  });

  it("are forgotten with their target", async () => {
    const client = new FakeClient([srv("a.test", 80), a("a.test", "192.0.2.1")]);
    const known = new Map<string, readonly string[]>([["old.test", ["192.0.2.9"]]]);
    await lookup(client, known);
    expect([...known.keys()]).toEqual(["a.test"]);
  });

  it("say which targets have no addresses", async () => {
    const client = new FakeClient([srv("a.test", 80), srv("gone.test", 80), a("a.test", "192.0.2.1")]);
    const found = await lookup(client);
    expect(short(found)).toEqual(["192.0.2.1:80 1 0"]);
    expect(found.incomplete).toBe("gone.test has no addresses");
  });

  it("of both families need both with the answer, or are looked up", async () => {
    const client = new FakeClient([srv("a.test", 80), a("a.test", "192.0.2.1"), aaaa("a.test", "2001:db8::1")]);
    client.additionals = [a("a.test", "192.0.2.1")];
    expect(short(await lookup(client, undefined, "both"))).toEqual(["192.0.2.1:80 50 0", "[2001:db8::1]:80 50 0"]);
    expect(client.asked).toContain("AAAA a.test");
  });

  it("take a bounded number of look-ups", async () => {
    const client = new FakeClient(Array.from({ length: 1000 }, (_, i) => srv(`t${i}.test`, 80)));
    const found = await lookup(client);
    expect(client.asked).toHaveLength(1 + MAX_TARGET_LOOKUPS);
    expect(found.incomplete).toContain(`${1000 - MAX_TARGET_LOOKUPS} more than can be looked up`);
  });
});
