import { describe, expect, it } from "vitest";
import { parseRequestLog } from "./h2load.ts";

describe("parseRequestLog", () => {
  it("takes percentiles of the times, in whatever order the requests ended", () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `${1_000_000 + i * 2000}\t200\t${1000 - i}`);
    const seen = parseRequestLog(`${lines.join("\n")}\n`);
    expect(seen).toMatchObject({ requests: 1000, p50: 500, p99: 990, p999: 999, errors: [] });
    expect(seen.duration).toBeCloseTo(1.998 + 1e-6, 6);
  });
  it("counts what has no 2xx status as failed, also the status -1 of a broken connection", () => {
    const { errors } = parseRequestLog("1\t200\t5\n2\t503\t5\n3\t-1\t5\n");
    expect(errors).toEqual(["2 requests failed"]);
  });
  it("throws on an empty log", () => {
    expect(() => parseRequestLog("")).toThrow("no request");
  });
});
