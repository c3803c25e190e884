// The plot of docs/simulations.md: p99 by algorithm and load, one panel per setup, as an SVG without scripts.
import { tailSetups } from "./setups.ts";
import { loads, type Figures } from "./tasks.ts";

const left = 208;
const panelWidth = 330;
const gap = 24;
const width = left + 2 * panelWidth + gap + 16;
const rowHeight = 17;
const panelHead = 46;
const top = 84;

/** Limits of the logarithmic axis, ms. */
const least = 200;
const most = 50_000;
const ticks = [300, 1000, 3000, 10_000, 30_000];

/** Colours that keep their contrast on white and on dark grey; the higher the load, the stronger. */
const style = `
    text { font: 12px system-ui, sans-serif; fill: #24292f; }
    .title { font-size: 15px; font-weight: 600; }
    .group { font-weight: 600; }
    .quiet { fill: #57606a; }
    .row { stroke: #d8dee4; }
    .tick { stroke: #eaeef2; }
    .range { stroke: #8c959f; stroke-width: 2; }
    .load0 { fill: #b7dfd0; } .load1 { fill: #6fbf9f; } .load2 { fill: #1a7f64; } .load3 { fill: #0b3d30; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .quiet { fill: #9198a1; }
      .row { stroke: #30363d; }
      .tick { stroke: #21262d; }
      .range { stroke: #6e7681; }
      .load0 { fill: #244c3f; } .load1 { fill: #2e7d64; } .load2 { fill: #3fb68b; } .load3 { fill: #b5f2dc; }
    }`;

function position(ms: number): number {
  const share = Math.log(Math.min(most, Math.max(least, ms)) / least) / Math.log(most / least);
  return share * panelWidth;
}

function label(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

/** The algorithms from the lowest to the highest p99 at the last but one load, over all setups. */
function order({ tail }: Figures): string[] {
  const names = [...new Set(tail.map(({ algorithm }) => algorithm))];
  const height = (name: string): number =>
    tail
      .filter(({ algorithm, load }) => algorithm === name && load === loads[2])
      .reduce((sum, { p99 }) => sum + Math.log(p99), 0);
  return names.toSorted((a, b) => height(a) - height(b));
}

/** Draws a dot per load on a line per algorithm. The figures must have every setup and load. */
export function plot(figures: Figures, note: string): string {
  const names = order(figures);
  const panelHeight = panelHead + names.length * rowHeight + 24;
  const parts: string[] = [];
  for (const [index, setup] of tailSetups.entries()) {
    const x = left + (index % 2) * (panelWidth + gap);
    const y = top + Math.floor(index / 2) * panelHeight;
    const bottom = y + panelHead + names.length * rowHeight;
    parts.push(`<text class="group" x="${x}" y="${y + 14}">${setup.title}</text>`);
    for (const tick of ticks) {
      const at = (x + position(tick)).toFixed(1);
      parts.push(
        `<line class="tick" x1="${at}" x2="${at}" y1="${y + panelHead - 8}" y2="${bottom}"/>`,
        `<text class="quiet" x="${at}" y="${y + panelHead - 14}" text-anchor="middle">${label(tick)}</text>`,
      );
    }
    for (const [row, name] of names.entries()) {
      const line = y + panelHead + row * rowHeight + rowHeight / 2;
      const own = figures.tail.filter((entry) => entry.setup === setup.name && entry.algorithm === name);
      const spots = own.map(({ p99 }) => position(p99));
      if (index % 2 === 0) parts.push(`<text x="${left - 14}" y="${line + 4}" text-anchor="end">${name}</text>`);
      parts.push(
        `<line class="row" x1="${x}" x2="${x + panelWidth}" y1="${line}" y2="${line}"/>`,
        `<line class="range" x1="${(x + Math.min(...spots)).toFixed(1)}" x2="${(x + Math.max(...spots)).toFixed(1)}" y1="${line}" y2="${line}"/>`,
        ...loads.map((load, level) => {
          const p99 = own.find((entry) => entry.load === load)!.p99;
          return `<circle class="load${level}" cx="${(x + position(p99)).toFixed(1)}" cy="${line}" r="5"/>`;
        }),
      );
    }
  }
  const legend = loads.map(
    (load, level) =>
      `<circle class="load${level}" cx="${left + 8 + level * 74}" cy="62" r="5"/><text class="quiet" x="${left + 18 + level * 74}" y="66">${Math.round(load * 100)} %</text>`,
  );
  const height = top + 2 * panelHeight + 20;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
  <title>99th percentile of the latency by balancing algorithm and load, simulated</title>
  <style>${style}
  </style>
  <text class="title" x="12" y="24">99th percentile of the latency, simulated (further left is better; logarithmic)</text>
  <text class="quiet" x="12" y="44">a dot for each load, as a share of what the servers can do</text>
  ${[...legend, ...parts].join("\n  ")}
  <text class="quiet" x="12" y="${height - 10}">${note}</text>
</svg>
`;
}
