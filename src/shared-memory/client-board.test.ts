import { describe, expect, it } from "vitest";
import { quantile } from "./histogram.ts";
import { MAX_LISTENERS } from "./layout.ts";
import { Scoreboard } from "./scoreboard.ts";
import { listenerHistogram, listenerTotals } from "./totals.ts";

function boards() {
  const main = Scoreboard.create({ servers: 1, workers: 2 });
  return { main, a: Scoreboard.attach(main.handle, 0).clients, b: Scoreboard.attach(main.handle, 1).clients };
}

describe("listeners", () => {
  it("have one place by name in every worker", () => {
    const { a, b } = boards();
    const web = a.listenerSlot("web");
    const api = b.listenerSlot("api");
    expect(api).not.toBe(web);
    expect(b.listenerSlot("web")).toBe(web);
    expect(a.listenerSlot("api")).toBe(api);
  });

  it("are limited in number, and a released place is free again", () => {
    const { main, a } = boards();
    for (let i = 0; i < MAX_LISTENERS; i++) a.listenerSlot(`listener ${i}`);
    expect(() => a.listenerSlot("one more")).toThrow(RangeError);
    const place = a.listenerSlot("listener 7");
    a.tryAccept(place, 0);
    a.answered(place, 200, 1);
    expect(main.clients.release("listener 7")).toBe(false);
    a.closed(place);
    expect(main.clients.release("listener 7")).toBe(true);
    expect(a.listenerSlot("one more")).toBe(place);
    expect(listenerTotals(main.handle, place)).toMatchObject({ accepted: 0, requests: 0 });
    expect(quantile(listenerHistogram(main.handle, place), 0.5)).toBeNaN();
  });

  it("limit connections over all workers", () => {
    const { main, a, b } = boards();
    expect([a.tryAccept(0, 2), b.tryAccept(0, 2), b.tryAccept(0, 2)]).toEqual([true, true, false]);
    expect(main.clients.open(0)).toBe(2);
    a.closed(0);
    expect(b.tryAccept(0, 2)).toBe(true);
    expect(listenerTotals(main.handle, 0)).toMatchObject({ accepted: 3, rejected: 1 });
    main.reclaim(1);
    expect(main.clients.open(0)).toBe(0);
  });

  it("add up what all workers count", () => {
    const { main, a, b } = boards();
    a.answered(1, 200, 2);
    b.answered(1, 404, 4);
    b.answered(1, 0, NaN);
    b.refused(1);
    a.upgraded(1);
    a.addBytes(1, 10, 20);
    b.addBytes(1, 1, 2);
    const totals = listenerTotals(main.handle, 1);
    expect(totals).toMatchObject({ requests: 3, refused: 1, upgrades: 1, bytesIn: 11, bytesOut: 22 });
    expect(totals.statuses).toEqual([1, 0, 1, 0, 1, 0]);
    const latencies = listenerHistogram(main.handle, 1);
    expect(latencies.reduce((sum, count) => sum + count)).toBe(2);
    expect(quantile(latencies, 1)).toBeCloseTo(4, 0);
  });
});
