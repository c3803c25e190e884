import { expect, it } from "vitest";
import { retryDelay, type Failure } from "./retry-delay.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const delay = (failure: Partial<Failure>, chance = 0) =>
  retryDelay({ kind: "refused", failures: 1, retryAfter: null, left: 30 * DAY, ...failure }, () => chance);

it("doubles the waits up to a bound", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 100].map((failures) => delay({ failures }) / MINUTE);
  expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 360, 360]);
});

it("asks an authority that could not be reached sooner, and at least twice an hour", () => {
  expect(delay({ kind: "unreachable" })).toBe(3000);
  expect(delay({ kind: "unreachable", failures: 40 })).toBe(30 * MINUTE);
});

it("stays below five refused orders in an hour", () => {
  let time = 0;
  let orders = 1;
  for (let failures = 1; time <= HOUR; failures++) {
    time += delay({ failures });
    if (time <= HOUR) orders++;
  }
  expect(orders).toBeLessThanOrEqual(5);
});

it("adds up to a quarter by chance", () => {
  expect(delay({}, 0.999_999_9)).toBe(2.5 * MINUTE);
});

it("waits for what the authority says, but not for more than a day", () => {
  expect(delay({ kind: "limited", retryAfter: 3 * HOUR })).toBe(3 * HOUR);
  expect(delay({ kind: "limited", retryAfter: 1000 })).toBe(15 * MINUTE);
  expect(delay({ kind: "limited", retryAfter: 7 * DAY })).toBe(DAY);
  expect(delay({ kind: "limited", retryAfter: 3 * HOUR, left: 0 })).toBe(3 * HOUR);
});

it("keeps trying at least hourly when the certificate has ended, and more often near its end", () => {
  expect(delay({ failures: 50, left: 0 })).toBe(HOUR);
  expect(delay({ failures: 50, left: 20 * HOUR })).toBe(2 * HOUR);
});
