import { describe, expect, it } from "vitest";
import { DebugBudget } from "./debug-budget.ts";

describe("the budget of debug lines", () => {
  it("is 50 in a second, and says what it has left out", () => {
    const budget = new DebugBudget();
    const lines = Array.from({ length: 60 }, (_, i) => budget.take(`line ${i}`, 1000 + i));
    expect(lines.filter((line) => line !== undefined)).toEqual(Array.from({ length: 50 }, (_, i) => `line ${i}`));
    expect(budget.take("next", 1999)).toBeUndefined();
    expect(budget.take("next", 2000)).toBe("next (11 such lines were left out before)");
    expect(budget.take("more", 2001)).toBe("more");
  });
});
