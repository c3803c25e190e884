import { expect, it } from "vitest";
import { buildMaglevTable, primeFrom } from "./maglev-table.ts";

const names = (count: number) => Array.from({ length: count }, (_, index) => `server-${index}`);
const ones = (count: number) => new Float64Array(count).fill(1);

function counts(table: Int32Array, owners: number): number[] {
  const result = Array.from({ length: owners }, () => 0);
  for (const owner of table) result[owner] = (result[owner] as number) + 1;
  return result;
}

it("gives equal owners the same number of entries, but for one", () => {
  for (const owners of [1, 2, 7, 100, 1000]) {
    const entries = counts(buildMaglevTable(names(owners), ones(owners), 65_537), owners);
    expect(Math.max(...entries) - Math.min(...entries)).toBeLessThanOrEqual(1);
  }
});

it("gives entries in proportion to the weights", () => {
  const weights = Float64Array.of(1, 2, 3, 10, 0.5);
  const entries = counts(buildMaglevTable(names(5), weights, 65_537), 5);
  entries.forEach((count, owner) => {
    expect(Math.abs(count - (65_537 * (weights[owner] as number)) / 16.5)).toBeLessThan(3);
  });
});

it("gives even the lightest owner an entry", () => {
  const weights = Float64Array.of(65_535, 1, 1e-6);
  for (const count of counts(buildMaglevTable(names(3), weights, 65_537), 3)) expect(count).toBeGreaterThan(0);
});

it("does not depend on the order of the owners", () => {
  const list = names(30);
  const table = buildMaglevTable(list, ones(30), 2003);
  const reversed = buildMaglevTable(list.toReversed(), ones(30), 2003);
  expect(reversed.map((owner) => 29 - owner)).toEqual(table);
});

it("keeps nearly all entries when an owner leaves", () => {
  const before = buildMaglevTable(names(101), ones(101), 65_537);
  const after = buildMaglevTable(names(100), ones(100), 65_537);
  const moved = before.filter((owner, entry) => owner !== 100 && after[entry] !== owner).length;
  expect(moved / 65_537).toBeLessThan(0.03);
});

it("finds primes", () => {
  expect([0, 3, 4, 65_537, 65_538, 655_373].map(primeFrom)).toEqual([2, 3, 5, 65_537, 65_539, 655_373]);
});
