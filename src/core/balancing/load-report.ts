/** The response field by which a server reports its load (ORCA, Open Request Cost Aggregation). */
export const LOAD_REPORT_FIELD = "endpoint-load-metrics";

/**
 * The utilisation in a load report: application_utilization if it is above 0, else cpu_utilization (gRFC A58). Both
 * text forms are read, `TEXT cpu_utilization=0.5, rps_fractional=10` and `JSON {"cpu_utilization": 0.5}`; the prefix may be
 * missing. The value is 0 or more, usually at most 1; undefined when the report has none or cannot be read.
 */
export function reportedUtilisation(report: string): number | undefined {
  const form = /^\s*(TEXT|JSON)\s+/.exec(report);
  const body = form === null ? report.trim() : report.slice(form[0].length);
  const read = body.startsWith("{") ? jsonMetric(body) : textMetric(body);
  return usable(read("application_utilization")) ?? usable(read("cpu_utilization"), true);
}

function usable(value: number, zeroCounts = false): number | undefined {
  return Number.isFinite(value) && (value > 0 || (zeroCounts && value === 0)) ? value : undefined;
}

function textMetric(body: string): (name: string) => number {
  const pairs = body.split(",").map((pair) => pair.split("="));
  return (name) => {
    const pair = pairs.find(([key]) => key!.trim() === name);
    return pair?.[1] === undefined || pair[1].trim() === "" ? NaN : Number(pair[1]);
  };
}

function jsonMetric(body: string): (name: string) => number {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return () => NaN;
  }
  const metrics = (parsed ?? {}) as Record<string, unknown>;
  return (name) => {
    const value = metrics[name];
    return typeof value === "number" ? value : NaN;
  };
}
