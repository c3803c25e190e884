import { describe, expect, it } from "vitest";
import { normaliseConfig } from "../../config/normalise.ts";
import type { Config } from "../../config/schema.ts";
import { TicketKeyRings } from "./ticket-key-rings.ts";
import { TicketKeys } from "./ticket-keys.ts";

let next = 0;
const counting = (bytes: number) => new Uint8Array(bytes).fill(++next);
const HOUR = 3_600_000;

const listener = (tls: object | undefined) => ({ listen: "127.0.0.1:0", ...(tls && { tls }) });
const config = (listeners: object): Config =>
  normaliseConfig({ admin: "off", listeners }, { extensions: { algorithms: [], filters: [] } }).config!;

describe("ticket keys", () => {
  it("are rotated when it is time; two that were before still decrypt", () => {
    next = 0;
    const ring = new TicketKeys(counting, 1000);
    const first = () => ring.keys.map(([byte]) => byte);
    expect(ring.keys[0]!.length).toBe(48);
    expect(ring.rotate(HOUR, 1000 + HOUR - 1)).toBe(false);
    expect(first()).toEqual([1]);
    for (let i = 1; i <= 4; i++) expect(ring.rotate(HOUR, 1000 + i * HOUR)).toBe(true);
    expect(first()).toEqual([5, 4, 3]);
  });

  it("are all given up after a long pause", () => {
    next = 0;
    const ring = new TicketKeys(counting, 0);
    ring.rotate(HOUR, HOUR);
    ring.rotate(HOUR, 5 * HOUR);
    expect(ring.keys.map(([byte]) => byte)).toEqual([3]);
  });

  it("belong to listeners that have tickets, over reloads", () => {
    next = 0;
    const rings = new TicketKeyRings(counting);
    const before = config({
      a: listener({ sessionTickets: { rotation: "1h" } }),
      b: listener({ sessionTickets: "off" }),
      c: listener({ passthrough: true }),
      d: listener(undefined),
      e: listener({}),
    });
    expect(Object.keys(rings.keys([before], 0))).toEqual(["a", "e"]);
    const kept = rings.keys([before], 0)["a"];
    const after = config({ a: listener({ sessionTickets: { rotation: "2h" } }) });
    expect(rings.keys([after, before], 0)["a"]).toBe(kept);
    expect(Object.keys(rings.keys([after], 0))).toEqual(["a"]);
    expect(rings.rotate([after, before], HOUR)).toBe(false);
    expect(rings.rotate([after], 2 * HOUR)).toBe(true);
    // One that went and came back begins anew.
    expect(rings.keys([before], 2 * HOUR)["e"]![0]![0]).toBeGreaterThan(2);
  });
});
