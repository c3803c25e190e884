import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "./json-source.ts";

describe("JSON with positions", () => {
  it("reads what JSON.parse reads, to the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        if (text.includes("__proto__")) return;
        expect(parseJson(text)).toMatchObject({ problems: [] });
        expect(parseJson(text).value).toEqual(JSON.parse(text));
      }),
    );
  });

  it("refuses what JSON.parse refuses", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"',
      "1",
      "01",
      "-",
      "1.",
      "1e5",
      "true",
      "nul",
      "null",
      " ",
      "\n",
      "'",
      "\\",
      "\u0001",
      "NaN",
    );
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        const text = parts.join("");
        let isValid = true;
        try {
          JSON.parse(text);
        } catch {
          isValid = false;
        }
        const { problems } = parseJson(text);
        if (problems[0]?.message === "this key is there twice") return;
        expect(problems.length === 0).toBe(isValid);
      }),
      { numRuns: 3000 },
    );
  });

  it("knows the place of keys and values", () => {
    const { positions } = parseJson('{\n  "a": [1,\n    {"b/c": 2}]\n}');
    expect(positions.find(["a"], "key")).toEqual({ line: 2, column: 3 });
    expect(positions.find(["a"], "value")).toEqual({ line: 2, column: 8 });
    expect(positions.find(["a", 1, "b/c"], "key")).toEqual({ line: 3, column: 6 });
    expect(positions.find(["a", 1, "b/c", "deeper"], "key")).toEqual({ line: 3, column: 13 });
  });
});
