import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reportedUtilisation } from "./load-report.ts";

describe("reportedUtilisation", () => {
  it.each([
    ["TEXT cpu_utilization=0.3, rps_fractional=10", 0.3],
    ["cpu_utilization=0.25", 0.25],
    ["TEXT cpu_utilization=0.3,application_utilization=0.9", 0.9],
    ["TEXT cpu_utilization=0.3,application_utilization=0", 0.3],
    ["TEXT cpu_utilization=0", 0],
    ['JSON {"cpu_utilization": 1.4}', 1.4],
    ['{"application_utilization": 0.5, "cpu_utilization": 0.1}', 0.5],
    ["TEXT rps_fractional=10", undefined],
    ["TEXT cpu_utilization=", undefined],
    ["TEXT cpu_utilization=-1", undefined],
    ["TEXT cpu_utilization=lots", undefined],
    ['JSON {"cpu_utilization": "0.5"}', undefined],
    ["JSON {", undefined],
    ["JSON null", undefined],
    ["", undefined],
  ])("reads %j as %j", (report, utilisation) => {
    expect(reportedUtilisation(report)).toBe(utilisation);
  });

  it("never throws, and never gives anything but a number of at least 0 or nothing", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom("", "TEXT ", "JSON "), (text, prefix) => {
        const value = reportedUtilisation(prefix + text);
        expect(value === undefined || value >= 0).toBe(true);
      }),
    );
  });
});
