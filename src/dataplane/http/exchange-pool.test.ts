import { expect, it } from "vitest";
import { testWorker } from "../worker.fixture.ts";
import { ExchangePool } from "./exchange-pool.ts";

it("gives out each exchange once until it is given back", () => {
  const pool = new ExchangePool(testWorker());
  const [first, second] = [pool.take(), pool.take()];
  expect(first).not.toBe(second);
  pool.give(first);
  expect(pool.take()).toBe(first);
  expect(pool.take()).not.toBe(first);
});

it("keeps no more than a bounded number", () => {
  const pool = new ExchangePool(testWorker());
  const given = new Set(Array.from({ length: 2100 }, () => pool.take()));
  for (const exchange of given) pool.give(exchange);
  let again = 0;
  for (let i = 0; i < 2100; i++) if (given.has(pool.take())) again++;
  expect(again).toBe(2048);
});
