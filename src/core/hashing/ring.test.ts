import { expect, it } from "vitest";
import { mix32 } from "./hash.ts";
import { HashRing } from "./ring.ts";

const names = (count: number) => Array.from({ length: count }, (_, index) => `server-${index}`);
const owners = (ring: HashRing, list: readonly string[], keys: number) =>
  Array.from({ length: keys }, (_, key) => list[ring.owner(ring.find(mix32(key)))] as string);

it("finds the first point at or after a hash, around the circle", () => {
  const list = names(50);
  const ring = new HashRing(list, new Int32Array(50).fill(40));
  expect(ring.length).toBe(2000);
  let wraps = 0;
  for (let key = 0; key < 5000; key++) {
    const hash = mix32(key);
    if (ring.find(hash) === 0) wraps++;
  }
  expect(ring.find(0)).toBe(0);
  expect(ring.find(0xffffffff)).toBe(0);
  expect(wraps).toBeLessThan(50);
});

it("goes through the positions in the order of the hashes", () => {
  const ring = new HashRing(names(20), new Int32Array(20).fill(10));
  let before = 0;
  for (let hash = 0; hash < 2 ** 32; hash += 2 ** 20) {
    const position = ring.find(hash);
    if (position === 0 && hash > 2 ** 31) break;
    expect(position).toBeGreaterThanOrEqual(before);
    before = position;
  }
  expect(before).toBeGreaterThan(190);
});

it("moves only the keys of an owner that leaves, whatever the order of the list", () => {
  const list = names(100);
  const rest = list.filter((name) => name !== "server-7").toReversed();
  const before = owners(new HashRing(list, new Int32Array(100).fill(160)), list, 20_000);
  const after = owners(new HashRing(rest, new Int32Array(99).fill(160)), rest, 20_000);
  let moved = 0;
  before.forEach((owner, key) => {
    if (owner === "server-7") moved++;
    else expect(after[key]).toBe(owner);
  });
  expect(moved).toBeGreaterThan(100);
  expect(moved).toBeLessThan(300);
});

it("gives shares in proportion to the points", () => {
  const list = names(4);
  const counts = Int32Array.of(400, 800, 1200, 1600);
  const found = owners(new HashRing(list, counts), list, 40_000);
  list.forEach((name, index) => {
    const share = found.filter((owner) => owner === name).length / 40_000;
    const wanted = (index + 1) / 10;
    expect(Math.abs(share - wanted)).toBeLessThan(0.15 * wanted);
  });
});
