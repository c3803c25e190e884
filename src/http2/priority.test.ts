import { expect, it } from "vitest";
import { isIncremental, parsePriority, urgencyOf } from "./priority.ts";

it.each([
  ["", 3, false],
  ["u=0", 0, false],
  ["u=7, i", 7, true],
  ["i", 3, true],
  ["i=?1,u=2", 2, true],
  ["i=?0", 3, false],
  ["u=1;x=2, i;y", 1, true],
  ["u=1, u=5", 5, false],
  ["i, i=?0", 3, false],
  ["  u=4 ,\ti ", 4, true],
  ["u=8", 3, false],
  ["u=-1", 3, false],
  ["u=1.5", 3, false],
  ["u=?1", 3, false],
  ["u", 3, false],
  ["i=1", 3, false],
  ['i="?1"', 3, false],
  ["U=1", 3, false],
  ["foo=bar, u=2", 2, false],
  ["((((", 3, false],
  ["u=2, ((, i", 2, true],
  [",".repeat(10_000), 3, false],
])("reads %j as urgency %i, incremental %s", (value, urgency, incremental) => {
  const priority = parsePriority(value);
  expect([urgencyOf(priority), isIncremental(priority)]).toEqual([urgency, incremental]);
});
