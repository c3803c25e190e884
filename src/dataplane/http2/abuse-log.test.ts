import { expect, it } from "vitest";
import { AbuseLog } from "./abuse-log.ts";

it("one line per limit in 10 s, and the next one tells of those between", () => {
  const log = new AbuseLog();
  expect(log.line("maxPings", "a", 0)).toBe("a");
  expect(log.line("maxResets", "b", 1)).toBe("b");
  for (let i = 0; i < 3; i++) expect(log.line("maxPings", "c", 9999)).toBeUndefined();
  expect(log.line("maxPings", "d", 10_000)).toBe("d (and 3 more since the last such line)");
  expect(log.line("maxPings", "e", 20_000)).toBe("e");
});
