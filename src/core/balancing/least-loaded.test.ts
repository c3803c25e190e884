import { describe, expect, it } from "vitest";
import { LeastLoaded } from "./least-loaded.ts";
import { makeServers } from "./pool.fixture.ts";

const context = { hashKey: 0, isExcluded: () => false };

describe.each([10, 150])("LeastLoaded with %i servers", (size) => {
  const servers = makeServers(Array.from({ length: size }, () => 1));

  it("takes the first in the list every time when rotation is off", () => {
    const chooser = new LeastLoaded((server) => (server.slot < 3 ? 1 : 0), "first");
    chooser.set(servers);
    for (let request = 0; request < 20; request++) expect(chooser.choose(context)).toBe(servers[3]);
  });

  it("finds the next best when the best ones are excluded, and forgets that for the next request", () => {
    const chooser = new LeastLoaded((server) => server.slot, 0);
    chooser.set(servers);
    for (const count of [1, 3, 8, 9]) {
      expect(chooser.choose({ hashKey: 0, isExcluded: (server) => server.slot < count })).toBe(servers[count]);
      expect(chooser.choose(context)).toBe(servers[0]);
    }
  });

  it("starts ties at its phase", () => {
    const chooser = new LeastLoaded(() => 0, 0.5);
    chooser.set(servers);
    expect(chooser.choose(context)).toBe(servers[size / 2]);
  });

  it("can be given another list at any time", () => {
    const chooser = new LeastLoaded((server) => -server.slot + 1000, 0);
    chooser.set(servers);
    expect(chooser.choose(context)).toBe(servers[size - 1]);
    chooser.set(servers.slice(0, 5));
    expect(chooser.choose(context)).toBe(servers[4]);
    chooser.touch(servers[size - 1] as (typeof servers)[number]);
    chooser.set(servers);
    expect(chooser.choose(context)).toBe(servers[size - 1]);
  });
});
