import { describe, expect, it } from "vitest";
import type { InspectedPair } from "../../config/certificates/inspect-pair.ts";
import { changesOfShown } from "./certificate-changes.ts";
import { nextDate, validFirst, withoutReplaced, type Shown } from "./shown.ts";

function shown(id: string, names: string[], from = 0, to = 100, listeners: string[] | null = ["web"]): Shown {
  const pair = { names, notBefore: from, notAfter: to, fingerprint: id } as unknown as InspectedPair;
  return { id, pair, ocspFile: null, listeners };
}

const left = (all: Shown[], now = 50) => withoutReplaced(all, now).map(({ id }) => id);
const told = (before: Shown[], after: Shown[]) => changesOfShown(before, after).map(({ id, what }) => [id, what]);

describe("certificates whose dates are not good", () => {
  it("are left out where others stand in for all of their names", () => {
    const [valid, old] = [shown("new", ["a", "b"]), shown("old", ["a"], 0, 50)];
    expect(left([old, valid])).toEqual(["new"]);
    expect(left([old, valid], 49)).toEqual(["old", "new"]);
    expect(left([shown("early", ["b"], 51), valid])).toEqual(["new"]);
  });

  it("stay where nobody does", () => {
    expect(left([shown("old", ["a"], 0, 50)])).toEqual(["old"]);
    expect(left([shown("old", ["a", "c"], 0, 50), shown("new", ["a", "b"])])).toEqual(["old", "new"]);
    expect(left([shown("old", ["a"], 0, 50), shown("new", ["a"], 0, 100, ["other"])])).toEqual(["old", "new"]);
    expect(left([shown("old", ["a"], 0, 50), shown("both", ["a"], 0, 50)])).toEqual(["old", "both"]);
    expect(left([shown("old", [], 0, 50), shown("new", [])])).toEqual(["old", "new"]);
  });

  it("are replaced by those of every listener, but not the other way round", () => {
    expect(left([shown("old", ["a"], 0, 50), shown("new", ["a"], 0, 100, null)])).toEqual(["new"]);
    expect(left([shown("old", ["a"], 0, 50, null), shown("new", ["a"])])).toEqual(["old", "new"]);
  });

  it("come after the others of their listener, but for its first one", () => {
    const [first, old, good] = [shown("first", ["x"], 0, 50), shown("old", ["a", "b"], 0, 50), shown("good", ["a"])];
    const other = shown("other", [], 0, 50, ["other"]);
    const order = validFirst([first, old, good, other], 50).map(({ id }) => id);
    expect(order).toEqual(["first", "good", "old", "other"]);
    expect(validFirst([first, old, good, other], 49).map(({ id }) => id)).toEqual(["first", "old", "good", "other"]);
  });

  it("are looked at again when a date comes", () => {
    expect(nextDate([shown("a", [], 0, 70), shown("b", [], 60, 90)], 50)).toBe(60);
    expect(nextDate([shown("a", [], 0, 70)], 70)).toBe(Infinity);
  });
});

describe("changes", () => {
  it("are told as added, replaced and removed", () => {
    const replaced: Shown = { ...shown("x", ["b"]), id: "a" };
    expect(told([shown("a", ["a"])], [shown("a", ["a"])])).toEqual([]);
    expect(told([shown("a", ["a"]), shown("c", [])], [replaced, shown("d", [])])).toEqual([
      ["a", "certificate_replaced"],
      ["d", "certificate_added"],
      ["c", "certificate_removed"],
    ]);
  });
});
