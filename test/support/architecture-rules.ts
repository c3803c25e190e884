import { posix } from "node:path";
import { bareCode, findImports } from "./source-scanner.ts";

/** Path under src/ (with slashes) → text. Tests are not among them. */
export type Sources = ReadonlyMap<string, string>;

const codecs = ["http1", "http2", "tls", "dns", "proxy-protocol"];
const planes = ["core", ...codecs, "config", "shared-memory"];

/** Layer (first folder under src/) → the other layers that it may import, types included. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  http1: ["core"],
  http2: ["core", "http1"],
  tls: ["core"],
  dns: ["core"],
  "proxy-protocol": ["core"],
  config: ["core"],
  "shared-memory": ["core", ...codecs, "config"],
  dataplane: planes,
  controlplane: planes,
  adapters: ["core", "config", "controlplane"],
  main: [...planes, "dataplane", "controlplane", "adapters"],
  cli: [...planes, "controlplane", "main"],
  "index.ts": [...planes, "controlplane", "main"],
};

/** Layers of which a layer may import types only. */
const typesOnly: Readonly<Record<string, readonly string[]>> = { adapters: ["core", "config", "controlplane"] };

/** Edges that are allowed although they break the direction: "from → to", with the reason beside it. */
const exceptions: ReadonlySet<string> = new Set<string>([]);

/** Packages that code without I/O may use: they are pure themselves. */
const purePackages = new Set(["typebox", "ipaddr.js"]);

const ambient = [
  { name: "Date", pattern: /(?<![\w$.])Date(?![\w$]|\s*[:?]|\s*\()/ },
  { name: "Date", pattern: /(?<![\w$.])Date\s*\(/ },
  { name: "performance", pattern: /(?<![\w$.])performance\s*[.[]/ },
  { name: "Math.random", pattern: /(?<![\w$.])Math\s*\.\s*random(?![\w$])/ },
  { name: "setTimeout", pattern: /(?<![\w$.])setTimeout(?![\w$])/ },
  { name: "setInterval", pattern: /(?<![\w$.])setInterval(?![\w$])/ },
  { name: "setImmediate", pattern: /(?<![\w$.])setImmediate(?![\w$])/ },
  { name: "process", pattern: /(?<![\w$.])process\s*\./ },
];

/** The first folder, or the file's own name for one that stands directly under src/. */
export function layerOf(path: string): string {
  return path.split("/", 1)[0];
}

/** The path under src/ that a relative import means. */
function resolve(from: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined;
}

/** Imports of a layer that its place in the architecture does not allow. */
export function wrongDirections(sources: Sources): string[] {
  const wrong: string[] = [];
  for (const [path, text] of sources) {
    const layer = layerOf(path);
    if (allowed[layer] === undefined) {
      wrong.push(`${path}: no layer of the architecture`);
      continue;
    }
    for (const { specifier, typeOnly } of findImports(text)) {
      const target = resolve(path, specifier);
      if (target === undefined) continue;
      const other = layerOf(target);
      if (other === layer || exceptions.has(`${path} → ${target}`)) continue;
      if (!allowed[layer].includes(other)) wrong.push(`${path} → ${target}: ${layer} must not import ${other}`);
      else if (!typeOnly && typesOnly[layer]?.includes(other)) wrong.push(`${path} → ${target}: types only`);
    }
  }
  return wrong;
}

/** Every cycle of imports, types included, as "a → b → a"; one per group of files that reach each other. */
export function cycles(sources: Sources): string[] {
  const found: string[] = [];
  const state = new Map<string, "open" | "done">();
  const trail: string[] = [];
  const visit = (path: string): void => {
    state.set(path, "open");
    trail.push(path);
    for (const { specifier } of findImports(sources.get(path)!)) {
      const target = resolve(path, specifier);
      if (target === undefined || !sources.has(target)) continue;
      if (state.get(target) === "open") found.push([...trail.slice(trail.indexOf(target)), target].join(" → "));
      else if (state.get(target) === undefined) visit(target);
    }
    trail.pop();
    state.set(path, "done");
  };
  for (const path of sources.keys()) if (state.get(path) === undefined) visit(path);
  return found;
}

/** Imports that lead nowhere: a wrong path would hide an edge from the other rules. */
export function danglingImports(sources: Sources): string[] {
  const dangling: string[] = [];
  for (const [path, text] of sources) {
    for (const { specifier } of findImports(text)) {
      const target = resolve(path, specifier);
      if (target === undefined || sources.has(target)) continue;
      if (!target.startsWith("../")) dangling.push(`${path} → ${target}`);
    }
  }
  return dangling;
}

/** Time, chance, timers, packages and node modules where the rules must do without them. */
export function impurities(sources: Sources): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    const layer = layerOf(path);
    if (layer !== "core" && !codecs.includes(layer)) continue;
    for (const { specifier, typeOnly } of findImports(text)) {
      if (specifier.startsWith(".") || purePackages.has(specifier)) continue;
      if (layer !== "core" && specifier === "node:buffer") continue;
      if (!(typeOnly && !specifier.startsWith("node:"))) found.push(`${path}: imports ${specifier}`);
    }
    const code = bareCode(text);
    for (const { name, pattern } of ambient) if (pattern.test(code)) found.push(`${path}: uses ${name}`);
  }
  return found;
}

/** Files that pass on everything of another one, which hides who uses what. The library's entry may. */
export function barrels(sources: Sources): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    if (path !== "index.ts" && findImports(text).some(({ star }) => star)) found.push(path);
  }
  return found;
}

/** Names that say nothing about what is inside. */
export function vagueNames(paths: Iterable<string>): string[] {
  return [...paths].filter((path) => /(?:^|\/)(?:utils?|helpers?|types|common|misc)\.ts$/.test(path));
}

/** Files with more lines than `limit`, as "path: lines". */
export function longFiles(sources: Sources, limit: number): string[] {
  const long: string[] = [];
  for (const [path, text] of sources) {
    const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
    if (lines > limit) long.push(`${path}: ${lines}`);
  }
  return long;
}
