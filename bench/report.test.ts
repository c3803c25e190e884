import { describe, expect, it } from "vitest";
import { chart } from "./chart.ts";
import type { Round, Row } from "./measure.ts";
import { figuresOf, type Report } from "./report.ts";
import { table } from "./table.ts";
import type { Workload } from "./workloads/workload.ts";

const workload: Workload = {
  name: "download-1MB",
  summary: "a <big> body",
  body: { direction: "down", bytes: 2_000_000 },
  standard: true,
  run: () => Promise.reject(new Error("not run here")),
};

function round(cpu: number): Round {
  return { cpu, user: cpu / 4, system: (cpu * 3) / 4, busy: 0.9, resident: 5e6, requests: 100, duration: 2, bytes: 1, p50: 50, p99: 99, p999: 1500, errors: [] }; // prettier-ignore
}

const row = (contestant: string, ...cpu: number[]): Row => ({
  workload: workload.name,
  contestant,
  rounds: cpu.map(round),
});
const failed: Row = { workload: workload.name, contestant: "haproxy", rounds: [], failure: "3 read errors" };

function reportOf(rows: readonly Row[]): Report {
  const machine = {
    processor: "Test",
    processors: 2,
    memory: 1,
    kernel: "6",
    system: "Debian",
    node: "v24",
    versions: {},
    loadBefore: 0,
  };
  return { date: "2026-01-02T03:04:05Z", commit: "abc", machine, rounds: 3, duration: 2, pinned: true, workloads: [workload], figures: figuresOf(workload, rows, ["nginx", "haproxy"]) }; // prettier-ignore
}

describe("figuresOf", () => {
  it("takes medians, divides round by round, and gives CPU per 10^6 bytes of body", () => {
    const [nginx, own] = reportOf([row("nginx", 10, 20, 30), row("evenkeel", 20, 20, 15)]).figures;
    expect(nginx?.cpu).toEqual({ median: 20, min: 10, max: 30 });
    expect(nginx?.ratios).toEqual({});
    expect(own?.cpuPerMB?.median).toBe(10);
    expect(own?.requestsPerSecond?.median).toBe(50);
    expect(own?.ratios?.["nginx"]).toEqual({ median: 1, min: 0.5, max: 2 });
  });
  it("gives a failed row its reason and no figures, and no ratios to it", () => {
    const [own, haproxy] = reportOf([row("evenkeel", 1), failed]).figures;
    expect(haproxy).toEqual({ workload: "download-1MB", contestant: "haproxy", failure: "3 read errors" });
    expect(own?.ratios).toEqual({});
  });
});

describe("table", () => {
  it("lines the figures up and names failures", () => {
    const text = table(reportOf([row("nginx", 10), row("evenkeel", 15), failed]), ["nginx"]);
    expect(text).toContain("1.50 (1.50..1.50)");
    expect(text).toContain("1.50ms");
    expect(text).toContain("FAILED haproxy: 3 read errors");
  });
});

describe("chart", () => {
  it("draws a bar per contestant with figures, escapes text, and cuts bars that are far too long", () => {
    const svg = chart(reportOf([row("nginx", 10), row("evenkeel", 5), row("httpxy", 100), failed]));
    expect(svg.match(/<rect /g)).toHaveLength(3);
    expect(svg).toContain("a &lt;big&gt; body");
    expect(svg).toContain(`class="own"`);
    expect(svg).toContain("… 50.0 µs/MB · 10.00×");
    expect(svg).not.toContain("NaN");
  });
  it("leaves a workload out that the yardstick has no figure for", () => {
    expect(chart(reportOf([row("evenkeel", 5)]))).not.toContain("<rect");
  });
});
