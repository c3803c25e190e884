import type { Figures, Report } from "./report.ts";
import type { Spread } from "./statistics.ts";

/** A number with about three digits that matter. */
export function digits(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(value >= 10 ? 1 : 2);
}

function latency(spread: Spread | undefined): string {
  return spread === undefined
    ? ""
    : spread.median < 1000
      ? `${Math.round(spread.median)}µs`
      : `${digits(spread.median / 1000)}ms`;
}

function ratio(spread: Spread | undefined): string {
  return spread === undefined ? "" : `${spread.median.toFixed(2)} (${spread.min.toFixed(2)}..${spread.max.toFixed(2)})`;
}

function cells(figures: Figures, yardsticks: readonly string[]): string[] {
  const { contestant, cpu, user, system, cpuPerMB, requestsPerSecond, p50, p99, p999, busy, maxResident } = figures;
  const proxied = cpu !== undefined && cpu.median > 0;
  return [
    contestant,
    proxied ? digits(cpu.median) : "",
    proxied ? `${digits(user!.median)}+${digits(system!.median)}` : "",
    proxied && cpuPerMB !== undefined ? digits(cpuPerMB.median) : "",
    digits(requestsPerSecond!.median),
    latency(p50),
    latency(p99),
    latency(p999),
    proxied ? `${Math.round(busy!.median * 100)}%` : "",
    proxied ? digits(maxResident! / 1e6) : "",
    ...yardsticks.map((yardstick) => ratio(figures.ratios?.[yardstick])),
  ];
}

/** The table as text: one block per workload, one line per contestant; failures are named below their block. */
export function table(report: Report, yardsticks: readonly string[]): string {
  const head = ["", "CPU µs/req", "user+system", "CPU µs/MB", "req/s", "p50", "p99", "p99.9", "busy", "RSS MB"];
  head.push(...yardsticks.map((yardstick) => `CPU ÷ ${yardstick}`));
  const blocks = report.workloads.map(({ name, summary }) => {
    const list = report.figures.filter((figures) => figures.workload === name);
    return { name, summary, lines: list.filter((f) => f.failure === undefined).map((f) => cells(f, yardsticks)), failed: list.filter((f) => f.failure !== undefined) }; // prettier-ignore
  });
  const all = [head, ...blocks.flatMap((block) => block.lines)];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  const text = (line: readonly string[]): string =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ").trimEnd(); // prettier-ignore
  const out: string[] = [];
  for (const block of blocks) {
    out.push(`${block.name}: ${block.summary}`, text(head), ...block.lines.map(text));
    out.push(...block.failed.map((figures) => `FAILED ${figures.contestant}: ${figures.failure}`), "");
  }
  return out.join("\n");
}
