import { describe, expect, it } from "vitest";
import { describeFilterContract } from "./filter.contract.ts";
import { filters, findFilter } from "./registry.ts";

describe("the registry of filters", () => {
  it("finds each by its name, and names are unique", () => {
    for (const filter of filters) expect(findFilter(filter.name)).toBe(filter);
    expect(findFilter("noSuchFilter")).toBeUndefined();
  });
});

for (const filter of filters) describeFilterContract(filter);
