import { digits } from "../table.ts";
import { tailSetups } from "./setups.ts";
import { loads, type Figures } from "./tasks.ts";

/** A table with a name by which docs/simulations.md refers to it. */
export interface Table {
  readonly name: string;
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The load at which the other columns of the long simulation are given. */
const detailLoad = 0.85;

/** A latency in ms with its unit. */
export function time(ms: number): string {
  if (Number.isNaN(ms)) return "–";
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${digits(ms / 1000)} s`;
}

function percent(share: number): string {
  const value = share * 100;
  if (value === 0) return "0 %";
  return value < 0.01 ? "< 0.01 %" : `${value.toFixed(value < 1 ? 2 : 1)} %`;
}

function seconds(value: number | null): string {
  return value === null ? "never" : value < 1 ? "< 1 s" : `${value} s`;
}

function code(name: string): string {
  return `\`${name}\``;
}

function tailTables({ tail }: Figures): Table[] {
  const tables: Table[] = [];
  for (const setup of tailSetups) {
    const own = tail.filter((figures) => figures.setup === setup.name);
    if (own.length === 0) continue;
    const names = [...new Set(own.map(({ algorithm }) => algorithm))];
    const rows = names.map((name) => {
      const at = (load: number) => own.find((figures) => figures.algorithm === name && figures.load === load)!;
      const { mean, p50, p95, p999, slowest, fastest, errors } = at(detailLoad);
      return [
        code(name),
        ...loads.map((load) => time(at(load).p99)),
        time(mean),
        time(p50),
        time(p95),
        time(p999),
        `${slowest.toFixed(2)} / ${fastest.toFixed(2)}`,
        percent(errors),
      ];
    });
    const head = ["", ...loads.map((load) => `p99 at ${Math.round(load * 100)} %`)];
    head.push("mean", "p50", "p95", "p99.9", "slowest / fastest", "refused");
    tables.push({ name: setup.name, title: setup.title, head, rows });
  }
  return tables;
}

function slowServerTable({ slowServer }: Figures): Table {
  return {
    name: "slow-server",
    title: "One of five servers ten times slower from 60 s to 180 s: its share of the traffic",
    head: ["", "before", "while slow", "last minute of it", "after", "away in", "back in", "p99 while slow", "refused"],
    rows: slowServer.map(({ algorithm, before, during, settled, after, away, back, p99, errors }) => [
      code(algorithm),
      ...[before, during, settled, after].map(percent),
      seconds(away),
      away === null ? "–" : seconds(back),
      time(p99),
      percent(errors),
    ]),
  };
}

function recoveryTable({ recovery }: Figures): Table {
  const names = [...new Set(recovery.map(({ algorithm }) => algorithm))];
  return {
    name: "recovery",
    title: "A server comes back cold: requests in flight on it and p99, without and with slow start",
    head: [
      "",
      "usual in flight",
      "peak",
      "peak with slow start",
      "its p99",
      "its p99 with slow start",
      "p99 of all",
      "p99 of all with slow start",
    ],
    rows: names.map((name) => {
      const [without, with_] = [false, true].map((slowStart) =>
        recovery.find((figures) => figures.algorithm === name && figures.slowStart === slowStart)!,
      ) as [Figures["recovery"][number], Figures["recovery"][number]];
      return [
        code(name),
        without.usual.toFixed(1),
        Math.round(without.peak).toString(),
        Math.round(with_.peak).toString(),
        time(without.newcomerP99),
        time(with_.newcomerP99),
        time(without.p99),
        time(with_.p99),
      ];
    }),
  };
}

function retryStormTable({ retryStorm }: Figures): Table {
  return {
    name: "retry-storm",
    title: "Five of ten servers fail everything: load on the others",
    head: ["", "retries", "tries per request", "load on a good server", "failed requests", "p99"],
    rows: retryStorm.map(({ algorithm, retries, tries, load, errors, p99 }) => [
      code(algorithm),
      retries,
      tries.toFixed(2),
      `${load.toFixed(2)} ×`,
      percent(errors),
      time(p99),
    ]),
  };
}

/** All tables that there are figures for. */
export function tablesOf(figures: Figures): Table[] {
  const others = [slowServerTable(figures), recoveryTable(figures), retryStormTable(figures)];
  return [...tailTables(figures), ...others.filter(({ rows }) => rows.length > 0)];
}

/** The table for a terminal. */
export function plainTable({ title, head, rows }: Table): string {
  const all = [head, ...rows.map((row) => row.map((cell) => cell.replaceAll("`", "")))];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  const lines = all.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  "),
  );
  return `${title}\n${lines.join("\n")}\n`;
}

/** The table as Markdown, laid out as the formatter leaves it. */
export function markdownTable({ head, rows }: Table): string {
  const widths = head.map((cell, column) => Math.max(3, cell.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
