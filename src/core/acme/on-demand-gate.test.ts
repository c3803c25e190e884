import { expect, it } from "vitest";
import { MAX_RESTING, OnDemandGate } from "./on-demand-gate.ts";

const HOUR = 3_600_000;
const rule = { patterns: ["*.shops.example", "one.example"], limit: 3 };

function gate() {
  const time = { now: 0 };
  return { time, gate: new OnDemandGate({ now: () => time.now, wall: () => 0 }) };
}

it.each([
  ["a.shops.example", "order"],
  ["one.example", "order"],
  ["shops.example", "foreign"],
  ["a.b.shops.example", "foreign"],
  ["other.example", "foreign"],
  ["a_b.shops.example", "foreign"],
  ["127.0.0.1", "foreign"],
])("%s: %s", (name, expected) => {
  expect(gate().gate.request(name, rule)).toBe(expected);
});

it("allows so many orders in any hour", () => {
  const { gate: own, time } = gate();
  const ask = (name: string) => own.request(`${name}.shops.example`, rule);
  expect([ask("a"), ask("b")]).toEqual(["order", "order"]);
  time.now = HOUR / 2;
  expect([ask("c"), ask("d"), ask("e")]).toEqual(["order", "limited", "limited"]);
  time.now = HOUR - 1;
  expect(ask("d")).toBe("limited");
  time.now = HOUR;
  expect([ask("d"), ask("e"), ask("f")]).toEqual(["order", "order", "limited"]);
});

it("does not count names that are foreign or at rest", () => {
  const { gate: own } = gate();
  own.failed("a.shops.example", HOUR);
  for (let i = 0; i < 10; i++) {
    expect(own.request("a.shops.example", rule)).toBe("resting");
    expect(own.request("foreign.example", rule)).toBe("foreign");
  }
  expect(own.request("b.shops.example", rule)).toBe("order");
});

it("lets a name that failed rest for a while", () => {
  const { gate: own, time } = gate();
  own.failed("one.example", 1000);
  time.now = 999;
  expect(own.request("one.example", rule)).toBe("resting");
  time.now = 1000;
  expect(own.request("one.example", rule)).toBe("order");
});

it("remembers a bounded number of names, the latest ones", () => {
  const { gate: own } = gate();
  const unlimited = { ...rule, limit: 1e9 };
  for (let i = 0; i < MAX_RESTING + 5; i++) own.failed(`n${i}.shops.example`, HOUR);
  expect(own.request("n4.shops.example", unlimited)).toBe("order");
  expect(own.request("n5.shops.example", unlimited)).toBe("resting");
  expect(own.request(`n${MAX_RESTING + 4}.shops.example`, unlimited)).toBe("resting");
});
