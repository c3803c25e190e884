import type { NodeState } from "../api/node-state.ts";
import type { MetricFamily, Sample } from "./metric-family.ts";

/** Media type of the text. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** All families in Prometheus' text format 0.0.4. Families without a value are left out. */
export function exposition(families: readonly MetricFamily[], state: NodeState): string {
  const lines: string[] = [];
  for (const { name, help, type, samples } of families) {
    const values = [...samples(state)].map((sample) => sampleLine(name, sample));
    if (values.length === 0) continue;
    lines.push(`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`, `# TYPE ${name} ${type}`);
    lines.push(...values);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function sampleLine(name: string, { labels = {}, value, suffix }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${suffix ?? ""}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
}
