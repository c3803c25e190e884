import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HELLO_LIMITS } from "./client-hello-reader.ts";
import * as f from "./client-hello.fixture.ts";

const label = fc.stringMatching(/^[a-z0-9_][a-z0-9_-]{0,20}$/);
const name = fc
  .array(label, { minLength: 1, maxLength: 5 })
  // The last label is no number: that would be an address, or look like one.
  .map((labels) => [...labels, "test"].join("."));
const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });
const protocols = fc.array(fc.string({ minLength: 1, maxLength: 20, unit: "binary-ascii" }), { maxLength: 5 });
/** Extensions of types that mean nothing here, each type once. */
const others = fc.uniqueArray(fc.tuple(fc.integer({ min: 100, max: 0xfd00 }), fc.uint8Array({ maxLength: 300 })), {
  maxLength: 12,
  selector: ([type]) => type,
});

const hello = fc.record({ name, protocols, others }).map(({ name: asked, protocols: list, others: rest }) => ({
  name: asked,
  protocols: list,
  message: f.helloMessage({
    extensions: [
      ...rest.slice(0, 3).map(([type, data]) => f.extension(type, data)),
      f.sni(asked),
      ...(list.length === 0 ? [] : [f.alpn(...list)]),
      ...rest.slice(3).map(([type, data]) => f.extension(type, data)),
    ],
  }),
}));

describe("ClientHelloReader", () => {
  it("finds the same in any records and in any reads", () => {
    fc.assert(
      fc.property(hello, cuts, cuts, (given, records, pieces) => {
        const found = f.readHello(f.inRecords(given.message, records), pieces).hello;
        expect(found).toMatchObject({ serverName: given.name, alpn: given.protocols });
      }),
      { numRuns: 500 },
    );
  });

  it("comes to the same end over changed bytes, however they are cut, and never throws", () => {
    const ends = new Set<number>();
    fc.assert(
      fc.property(
        hello,
        cuts,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
        fc.nat(),
        cuts,
        (given, records, changes, length, pieces) => {
          const bytes = f.inRecords(given.message, records);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const cut = bytes.subarray(0, 1 + (length % bytes.length));
          const whole = f.readHello(cut);
          ends.add(whole.state);
          expect(f.readHello(cut, pieces)).toEqual(whole);
        },
      ),
      { numRuns: 3000 },
    );
    // All three were seen, so the changes are neither too few nor too many.
    expect(ends.size).toBe(3);
  });

  it("never throws on garbage, and ends within its limits", () => {
    const most = HELLO_LIMITS.maxHello + 5 * HELLO_LIMITS.maxRecords;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), cuts, (garbage, pieces) => {
        const bare = f.readHello(garbage, pieces);
        expect([1, 2, 0]).toContain(bare.state);
        // Behind what looks like a beginning, for as long as a client may go on.
        const endless = f.inRecords(
          Buffer.concat([Buffer.of(1, 0x00, 0x7f, 0xfc), Buffer.alloc(most, garbage)]),
          pieces,
        );
        expect(f.readHello(endless.subarray(0, most)).state).not.toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
