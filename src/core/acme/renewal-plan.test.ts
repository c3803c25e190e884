import { expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { RenewalPlan } from "./renewal-plan.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const validity = { notBefore: 0, notAfter: 90 * DAY };
const plan = (random = () => 0) => new RenewalPlan(validity, 30 * DAY, random);

it("goes by the lifetime until the authority says something", () => {
  const own = plan();
  expect([own.at, own.by]).toEqual([60 * DAY, "lifetime"]);
  expect(own.unsupported()).toBe(DAY);
  expect([own.at, own.by]).toEqual([60 * DAY, "lifetime"]);
});

it("chooses a moment of the window once, and another one when the window changes", () => {
  const own = new RenewalPlan(validity, 30 * DAY, seededRandom(3));
  own.suggested({ start: 50 * DAY, end: 52 * DAY }, null);
  const first = own.at;
  expect(own.by).toBe("authority");
  expect(first).toBeGreaterThanOrEqual(50 * DAY);
  expect(first).toBeLessThanOrEqual(52 * DAY);
  for (let i = 0; i < 20; i++) own.suggested({ start: 50 * DAY, end: 52 * DAY }, null);
  expect(own.at).toBe(first);
  own.suggested({ start: 10 * DAY, end: 11 * DAY }, null);
  expect(own.at).toBeLessThanOrEqual(11 * DAY);
});

it("is due at once for a window in the past, as after a revocation", () => {
  const own = plan();
  own.suggested({ start: -2 * DAY, end: -DAY }, null);
  expect(own.at).toBeLessThan(0);
});

it("does not let a certificate end because the window is too late", () => {
  const own = plan(() => 0.5);
  own.suggested({ start: 200 * DAY, end: 201 * DAY }, null);
  expect(own.at).toBe(85.5 * DAY);
});

it("asks again when the authority says, within bounds, and with some chance", () => {
  const window = { start: 50 * DAY, end: 52 * DAY };
  expect(plan().suggested(window, null)).toBe(6 * HOUR);
  expect(plan().suggested(window, 2 * HOUR)).toBe(2 * HOUR);
  expect(plan().suggested(window, 1)).toBe(MINUTE);
  expect(plan().suggested(window, 9 * DAY)).toBe(DAY);
  expect(plan(() => 0.999_999).suggested(window, 10 * HOUR)).toBeCloseTo(11 * HOUR, -2);
});

it("keeps what it knew when the authority fails or its window is none, and asks again with growing waits", () => {
  const own = plan();
  own.suggested({ start: 50 * DAY, end: 52 * DAY }, null);
  const waits = [own.failed(), own.suggested({ start: 5, end: 4 }, null), own.failed(), own.failed()];
  expect(waits.map((wait) => wait / MINUTE)).toEqual([2, 4, 8, 16]);
  for (let i = 0; i < 20; i++) expect(own.failed()).toBeLessThanOrEqual(6 * HOUR);
  expect([own.at, own.by]).toEqual([50 * DAY, "authority"]);
  own.suggested({ start: 50 * DAY, end: 52 * DAY }, null);
  expect(own.failed()).toBe(2 * MINUTE);
});
