/**
 * Whatever a resolver sends, reading it neither throws nor takes long, and what comes out is within its limits. Inputs
 * are good answers, changed at random; the same seed gives the same inputs.
 *
 * EVENKEEL_FUZZ_CASES: number of inputs (default 30,000). EVENKEEL_FUZZ_SEED: seed (default 1).
 */
import { decode, type Answer } from "dns-packet";
import { describe, expect, it } from "vitest";
import { newQuestion, readAnswer, type DnsQuestion } from "../../../src/controlplane/discovery/dns/dns-message.ts";
import { addressesOf } from "../../../src/controlplane/discovery/dns/lookup-addresses.ts";
import { lookupServices } from "../../../src/controlplane/discovery/dns/lookup-services.ts";
import { checkServer } from "../../../src/controlplane/discovery/server-list.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { a, aaaa, cname, encodeReply, srv } from "../../support/dns-server.ts";

const cases = Number(process.env["EVENKEEL_FUZZ_CASES"] ?? 30_000);
const seed = Number(process.env["EVENKEEL_FUZZ_SEED"] ?? 1);

const question: DnsQuestion = { ...newQuestion("_http._tcp.web.test", "SRV"), id: 4711 };
const received = { ...question, over: "udp" as const, extended: true };
const NAME = question.name;
const seeds = [
  encodeReply(received, {
    answers: [srv(NAME, "a.web.test", 80, 1, 2), srv(NAME, "b.web.test", 81, 3, 4)],
    additionals: [a("a.web.test", "192.0.2.1"), aaaa("b.web.test", "2001:db8::1")],
  }),
  encodeReply(received, { answers: [cname(NAME, "x.test"), srv("x.test", "a.web.test", 80)] }),
  encodeReply(received, {
    answers: [
      { type: "TXT", name: NAME, data: ["hello", "world"] },
      { type: "MX", name: NAME, data: { preference: 1, exchange: "mail.test" } },
      { type: "SOA", name: NAME, data: { mname: "ns.test", rname: "root.test", serial: 1 } },
      { type: "CAA", name: NAME, data: { flags: 0, tag: "issue", value: "ca.test" } },
      {
        type: "NAPTR",
        name: NAME,
        data: { order: 1, preference: 2, flags: "S", services: "x", regexp: "", replacement: "a.test" },
      },
    ],
  }),
];

const random = seededRandom(seed);
const below = (limit: number) => Math.floor(random() * limit);

const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)]!;

/** A seed in which bytes were changed, put in, taken out or repeated. The header's first bytes stay: else it is no answer. */
function mutated(): Buffer {
  let bytes = Buffer.from(seeds[below(seeds.length)]!);
  for (let change = below(6); change >= 0; change--) {
    const at = 4 + below(bytes.length - 4);
    switch (below(5)) {
      case 0:
        bytes[at] = below(256);
        break;
      case 1:
        bytes[at] = [0, 1, 0xc0, 0xff, 63, 64][below(6)]!;
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at)]);
        break;
      case 3:
        bytes = bytes.subarray(0, Math.max(5, at));
        break;
      default:
        bytes = Buffer.concat([bytes, bytes.subarray(at)]);
    }
    if (bytes.length < 13) return Buffer.from(bytes);
    bytes = Buffer.from(bytes);
  }
  return bytes;
}

describe("answers changed at random", () => {
  it("never throw, and what is taken from them is an address or left out", async () => {
    const signal = new AbortController().signal;
    let read = 0;
    let refused = 0;
    let servers = 0;
    for (let number = 0; number < cases; number++) {
      const bytes = mutated();
      const answer = readAnswer(bytes, question);
      if (answer === undefined) {
        refused++;
        continue;
      }
      read++;
      for (const type of ["A", "AAAA"] as const) addressesOf(answer.answers, NAME, type);
      const client = { ask: async () => answer };
      const found = await lookupServices(client, NAME, "auto", new Map(), signal);
      for (const server of found.servers) {
        servers++;
        expect(server.weight).toBeGreaterThanOrEqual(1);
        expect(server.weight).toBeLessThanOrEqual(65_535);
        expect(server.priority).toBeLessThanOrEqual(128);
        // The addresses are those of records, which may be nonsense: then they are refused, and that is all.
        expect(["string", "object"]).toContain(typeof checkServer(server));
      }
    }
    // A harness in which everything is refused, or everything is read, would test nothing.
    expect(read).toBeGreaterThan(cases / 20);
    expect(refused).toBeGreaterThan(cases / 20);
    expect(servers).toBeGreaterThan(cases / 100);
  });
});

const name = () => pick([NAME, "a.web.test", "B.Web.Test", "x_y.test", "test"]);
const ttl = () => pick([0, 1, 60, 2 ** 31 - 1]);
const v6 = () => pick(["2001:db8::1", "::1", "fe80::1:2:3", "2001:db8:0:1::", "::"]);
const record = (): Answer => {
  switch (below(5)) {
    case 0:
      return a(name(), `${below(256)}.0.${below(256)}.${below(256)}`, ttl());
    case 1:
      return aaaa(name(), v6(), ttl());
    case 2:
      return cname(name(), name(), ttl());
    case 3:
      return srv(name(), name(), below(65_536), below(65_536), below(65_536), ttl());
    default:
      return { type: "TXT", name: name(), data: ["some", "text"] };
  }
};

describe("good answers", () => {
  it("are read as dns-packet reads them", () => {
    let compared = 0;
    for (let number = 0; number < 2000; number++) {
      const bytes = encodeReply(received, {
        answers: Array.from({ length: below(20) }, record),
        additionals: Array.from({ length: below(5) }, record),
      });
      const ours = readAnswer(bytes, question)!;
      const theirs = decode(bytes);
      for (const list of ["answers", "additionals"] as const) {
        const expected = theirs[list]!.flatMap(plainRecord);
        expect(ours[list]).toEqual(expected);
        compared += expected.length;
      }
    }
    expect(compared).toBeGreaterThan(10_000);
  });
});

/** A record as dns-packet read it, in our form. */
function plainRecord(record: Answer): object[] {
  const name = record.name.toLowerCase();
  const { ttl } = record as { ttl?: number };
  switch (record.type) {
    case "A":
    case "AAAA":
      return [{ type: record.type, name, ttl, address: record.data }];
    case "CNAME":
      return [{ type: "CNAME", name, ttl, target: record.data.toLowerCase() }];
    case "SRV":
      return [{ type: "SRV", name, ttl, ...record.data, target: record.data.target.toLowerCase() }];
    default:
      return [];
  }
}

const pointer = (to: number) => Buffer.from([0xc0 | (to >> 8), to & 255]);

/** As many records as fit, the name of each at the end of a chain of pointers that begins at that of the question. */
function chained(links: number): { readonly bytes: Buffer; readonly records: number } {
  const head = encodeReply(received, {});
  // The chain hides in the data of a NULL record, which may be anything.
  const holder = Buffer.from([0, 0, 10, 0, 1, 0, 0, 0, 0, (links * 2) >> 8, (links * 2) & 255]);
  const begin = head.length + holder.length;
  const chain = Array.from({ length: links }, (_, link) => pointer(link === 0 ? 12 : begin + 2 * (link - 1)));
  const last = begin + 2 * (links - 1);
  const record = Buffer.concat([pointer(last), Buffer.from([0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4])]);
  const count = Math.floor((65_000 - last) / record.length);
  const bytes = Buffer.concat([head, holder, ...chain, ...Array.from({ length: count }, () => record)]);
  bytes.writeUInt16BE(1 + count, 6);
  return { bytes, records: 1 + count };
}

describe("answers that are made to take long", () => {
  it.each([
    [8000, false],
    [120, true],
  ])("by chains of %d pointers for each name end soon", (links, isRead) => {
    const { bytes, records } = chained(links);
    const start = performance.now();
    const answer = readAnswer(bytes, question);
    expect(performance.now() - start).toBeLessThan(500);
    expect(answer?.answers.length).toBe(isRead ? records - 1 : undefined);
    if (isRead) expect(new Set(answer!.answers.map(({ name }) => name))).toEqual(new Set([NAME]));
  });

  it("by their number of records are read at once", () => {
    const answers = Array.from({ length: 1200 }, (_, i) => srv(NAME, `t${i}.web.test`, 80));
    const start = performance.now();
    expect(readAnswer(encodeReply(received, { answers }), question)?.answers).toHaveLength(1200);
    expect(performance.now() - start).toBeLessThan(500);
  });
});
