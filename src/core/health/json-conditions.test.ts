import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonOperators, parseJsonCondition, parseJsonPath, unmetCondition, valueAtPath } from "./json-conditions.ts";

const unmet = (text: string, json: unknown) => unmetCondition(parseJsonCondition(text), json);

describe("conditions", () => {
  const json = {
    database_connected: true,
    cpu_usage: 93.5,
    name: 'a "b"',
    checks: { db: { status: "up", "round-trip": 3 }, list: [{ ok: true }, null] },
    "odd key": -1e3,
    nothing: null,
  };

  it.each([
    "database_connected == true",
    "database_connected==true",
    "  cpu_usage <= 95 ",
    "cpu_usage >= 93.5",
    "cpu_usage < 1e2",
    "cpu_usage > -1",
    "cpu_usage != 12",
    'checks.db.status != "down"',
    "checks.db.status == 'up'",
    "checks.db.round-trip == 3",
    'checks["db"]["status"] == "up"',
    "checks.list[0].ok == true",
    "checks.list[1] == null",
    '["odd key"] == -1000',
    "['odd key'] < 0",
    "nothing == null",
    `name == 'a "b"'`,
    String.raw`name == "a \"b\""`,
    String.raw`name != 'it\'s'`,
    'cpu_usage != "93.5"',
  ])("%s holds", (text) => expect(unmet(text, json)).toBeUndefined());

  it.each([
    ["database_connected == false", "database_connected is true, expected false"],
    ["cpu_usage <= 90", "cpu_usage is 93.5, expected <= 90"],
    ["cpu_usage < 93.5", "cpu_usage is 93.5, expected < 93.5"],
    ['cpu_usage == "93.5"', 'cpu_usage is 93.5, expected "93.5"'],
    ["name > 1", 'name is "a \\"b\\"", expected > 1'],
    ["missing == true", "missing is missing, expected true"],
    ["missing != true", "missing is missing, expected != true"],
    ["missing == null", "missing is missing, expected null"],
    ["nothing != null", "nothing is null, expected != null"],
    ["checks == 1", "checks is an object, expected 1"],
    ["checks.list == 1", "checks.list is a list, expected 1"],
    ["checks.list[7] == 1", "checks.list[7] is missing, expected 1"],
    ["checks.db[0] == 1", "checks.db[0] is missing, expected 1"],
    ["name.length == 5", "name.length is missing, expected 5"],
    ["checks.list.length == 2", "checks.list.length is missing, expected 2"],
    ["constructor != null", "constructor is missing, expected != null"],
    ["checks.__proto__ != null", "checks.__proto__ is missing, expected != null"],
    ['["a==b"] == 1', '`["a==b"] == 1`: the value is missing, expected 1'],
  ])("%s: %s", (text, reason) => expect(unmet(text, json)).toBe(reason));

  it.each([
    ["", "expected a key at the end"],
    ["cpu_usage", "expected one of == != <= >= < > at the end"],
    ["cpu_usage = 1", "use == to compare at 11, before `= 1`"],
    ["cpu_usage <= high", "a text needs quotes (true, false and null need none) at 14, before `high`"],
    ["cpu_usage <=", "expected a number, a text in quotes, true, false or null at the end"],
    ['cpu_usage <= "95"', "`<=` compares numbers only; use == or !="],
    ["cpu_usage < true", "`<` compares numbers only; use == or !="],
    ["cpu_usage <= 95%", "expected nothing more at 16, before `%`"],
    ["a == 1 && b == 2", "expected nothing more at 8, before `&& b == 2`"],
    ["a..b == 1", "expected a key behind the dot at 3, before `.b == 1`"],
    ["a.[0] == 1", "expected a key behind the dot at 3, before `[0] == 1`"],
    ["a[x] == 1", "expected an index or a key in quotes at 3, before `x] == 1`"],
    ["a[0 == 1", "expected an index or a key in quotes at 3, before `0 == 1`"],
    ['a["b" == 1', "expected ] at 7, before `== 1`"],
    ['a == "b', 'the text has no end at 6, before `"b`'],
    [String.raw`a == "\q"`, 'not a text as in JSON at 6, before `"\\q"`'],
    ["a == 01", "a number"],
    ["5 == 5", "expected a key at 1, before `5 == 5`"],
    [`a == "${"x".repeat(500)}"`, "longer than 500 characters"],
  ])("%s is refused: %s", (text, reason) => expect(() => parseJsonCondition(text)).toThrow(reason));
});

describe("properties", () => {
  const key = fc.oneof(fc.stringMatching(/^[a-z_][\w-]{0,8}$/), fc.string({ maxLength: 8 }), fc.nat(20));
  const literal = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ maxLength: 20 }),
    fc.boolean(),
    fc.constant(null),
  );

  it("a condition that is written out is read as it was meant, and holds for a value made to fit", () => {
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), literal, (path, value) => {
        const steps = path.map((step) => `[${JSON.stringify(step)}]`).join("");
        const condition = parseJsonCondition(`${steps} == ${JSON.stringify(value)}`);
        // JSON has no -0.
        const read = JSON.parse(JSON.stringify(value)) as unknown;
        expect(condition).toMatchObject({ path, operator: "==", value: read });
        const json = path.reduceRight<unknown>((inner, step) => {
          if (typeof step === "string") return Object.defineProperty({}, step, { value: inner, enumerable: true });
          const list: unknown[] = [];
          list[step] = inner;
          return list;
        }, read);
        expect(unmetCondition(condition, json)).toBeUndefined();
        expect(valueAtPath(json, parseJsonPath(steps))).toBe(read);
      }),
      { numRuns: 500 },
    );
  });

  it("of numbers agree with the operators of the language", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (found, wanted) => {
        const truths = [
          found === wanted,
          found !== wanted,
          found <= wanted,
          found >= wanted,
          found < wanted,
          found > wanted,
        ];
        jsonOperators.forEach((operator, index) => {
          expect(unmet(`a ${operator} ${wanted}`, { a: found }) === undefined).toBe(truths[index]);
        });
      }),
    );
  });

  it("any text is read or refused with an Error, in bounded time, and any value is judged", () => {
    const piece = fc.constantFrom(
      "a",
      ".",
      "[",
      "]",
      '"',
      "'",
      "\\",
      "==",
      "<=",
      "1",
      "-",
      "true",
      " ",
      "x.y",
      "0",
      "é",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 30 }).map((list) => list.join("")),
        ),
        fc.jsonValue(),
        (text, json) => {
          let condition;
          try {
            condition = parseJsonCondition(text);
          } catch (error) {
            expect((error as Error).constructor).toBe(Error);
            return;
          }
          const reason = unmetCondition(condition, json);
          if (reason !== undefined) expect(reason).toContain("expected");
        },
      ),
      { numRuns: 2000 },
    );
  });
});
