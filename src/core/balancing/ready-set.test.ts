import { describe, expect, it } from "vitest";
import { makeServers } from "./pool.fixture.ts";
import { readySet } from "./ready-set.ts";

const servers = makeServers([1, 1, 1, 0, 1]).map((server, index) => ({
  ...server,
  priority: [0, 1, 0, 0, 1][index] as number,
}));
const slots = (list: readonly { slot: number }[]) => list.map((server) => server.slot);

describe("readySet", () => {
  it("takes the ready servers of the lowest priority number, without weight 0", () => {
    const set = readySet(7, servers, (server) => server.slot !== 0);
    expect(set.version).toBe(7);
    expect(slots(set.ready)).toEqual([2]);
    expect(slots(set.all)).toEqual([0, 2, 3]);
  });

  it("goes to the next priority when none of the first can take work", () => {
    const set = readySet(1, servers, (server) => server.slot !== 0 && server.slot !== 2);
    expect(slots(set.ready)).toEqual([1, 4]);
    expect(slots(set.all)).toEqual([1, 4]);
  });

  it("returns to the first priority as soon as one server is back", () => {
    expect(slots(readySet(1, servers, (server) => server.slot === 2 || server.slot === 4).ready)).toEqual([2]);
  });

  it("has no ready servers when nothing is, and keeps the first priority's members", () => {
    const set = readySet(1, servers, () => false);
    expect(set.ready).toEqual([]);
    expect(slots(set.all)).toEqual([0, 2, 3]);
    expect(readySet(1, [], () => true)).toEqual({ version: 1, all: [], ready: [] });
  });
});
