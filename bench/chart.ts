// The chart of the README: CPU per request of the contestants, relative to nginx, as an SVG without scripts.
import type { Figures, Report } from "./report.ts";
import { digits } from "./table.ts";

/** Bars that are longer than this many times nginx's are cut there; the figure beside them tells the rest. */
const longest = 3;

const rowHeight = 17;
const headHeight = 26;
const left = 150;
const barWidth = 420;
const width = 720;

/** Colours that keep their contrast on white and on dark grey; the product's own is the strongest. */
const style = `
    text { font: 12px system-ui, sans-serif; fill: #24292f; }
    .title { font-size: 15px; font-weight: 600; }
    .group { font-weight: 600; }
    .quiet { fill: #57606a; }
    .line { stroke: #8c959f; stroke-dasharray: 3 3; }
    .bar { fill: #9aa4af; }
    .own { fill: #1a7f64; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .quiet { fill: #9198a1; }
      .line { stroke: #6e7681; }
      .bar { fill: #59636e; }
      .own { fill: #3fb68b; }
    }`;

/** Text made safe for an XML text node. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function label(figures: Figures): string {
  const value =
    figures.cpuPerMB === undefined ? `${digits(figures.cpu!.median)} µs` : `${digits(figures.cpuPerMB.median)} µs/MB`;
  const ratio = figures.ratios?.["nginx"];
  return ratio === undefined ? value : `${value} · ${ratio.median.toFixed(2)}×`;
}

/** Draws one group of bars per workload that nginx has a figure for. `base` is the yardstick with length 1. */
export function chart(report: Report, base = "nginx"): string {
  const parts: string[] = [];
  const one = left + barWidth / longest;
  let y = 58;
  for (const { name, summary } of report.workloads) {
    const list = report.figures.filter((figures) => figures.workload === name && (figures.cpu?.median ?? 0) > 0);
    if (!list.some((figures) => figures.contestant === base)) continue;
    y += headHeight;
    parts.push(
      `<text class="group" x="12" y="${y - 8}">${escape(name)} <tspan class="quiet" font-weight="400">${escape(summary)}</tspan></text>`,
    );
    const top = y;
    for (const figures of list) {
      const ratio = figures.contestant === base ? 1 : (figures.ratios?.[base]?.median ?? 0);
      const length = (Math.min(ratio, longest) / longest) * barWidth;
      const own = figures.contestant.startsWith("evenkeel");
      parts.push(
        `<text x="${left - 8}" y="${y + 12}" text-anchor="end">${escape(figures.contestant)}</text>`,
        `<rect class="${own ? "own" : "bar"}" x="${left}" y="${y + 2}" width="${length.toFixed(1)}" height="${rowHeight - 4}" rx="2"/>`,
        `<text class="quiet" x="${Math.max(left + Math.round(length), one) + 6}" y="${y + 12}">${ratio > longest ? "… " : ""}${escape(label(figures))}</text>`,
      );
      y += rowHeight;
    }
    parts.push(`<line class="line" x1="${one}" x2="${one}" y1="${top}" y2="${y}"/>`);
    y += 6;
  }
  const { machine } = report;
  const note = `${machine.processor}, ${machine.processors} processors, ${machine.system}; ${report.date.slice(0, 10)}; ${report.rounds === 1 ? "one round" : `median of ${report.rounds} rounds`}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 28}" width="${width}" height="${y + 28}" role="img">
  <title>CPU time per request relative to ${escape(base)}</title>
  <style>${style}
  </style>
  <text class="title" x="12" y="24">CPU time per request, ${escape(base)} = 1 (shorter is better)</text>
  <text class="quiet" x="12" y="44">user and system time of the proxy divided by the requests that it served</text>
  ${parts.join("\n  ")}
  <text class="quiet" x="12" y="${y + 18}">${escape(note)}</text>
</svg>
`;
}
