import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  type Alias,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import type { ConfigPath } from "./problem.ts";
import { Positions } from "./positions.ts";
import { LineIndex, MAX_DEPTH, MAX_VALUES, type ParsedSource, type SourceProblem } from "./source.ts";

/** Nobody reads more of them. */
const MAX_PROBLEMS = 100;

/**
 * Reads one YAML 1.2 document. Anchors, aliases and merge keys (`<<`) work; tags, several documents, repeated keys
 * and keys that are no scalars are problems. Never throws.
 */
export function parseYaml(text: string): ParsedSource {
  const lines = new LineIndex(text);
  let document: Document;
  try {
    document = parseDocument(text, { prettyErrors: false, strict: true, uniqueKeys: true, logLevel: "error" });
  } catch (error) {
    // The parser is recursive: a file that is nested too deeply runs it out of stack.
    const message = error instanceof RangeError ? "nested too deeply" : `not readable as YAML: ${String(error)}`;
    return { value: undefined, positions: new Positions(), problems: [{ line: 1, column: 1, message }] };
  }
  const problems: SourceProblem[] = [];
  for (const { pos, code, message } of [...document.errors, ...document.warnings]) {
    const place = lines.position(pos[0]);
    // One mistake makes the parser stumble over the rest of the line.
    if (problems.at(-1)?.line === place.line) continue;
    problems.push({ ...place, message: explain(code, message, text, place.line) });
  }
  if (problems.length > 0)
    return { value: undefined, positions: new Positions(), problems: problems.slice(0, MAX_PROBLEMS) };
  const reader = new YamlReader(lines);
  const value = reader.read(document.contents as Node | null);
  return { value, positions: reader.positions, problems: reader.problems };
}

function explain(code: string, message: string, text: string, line: number): string {
  if (code === "MULTIPLE_DOCS") return "a configuration is one YAML document; remove the ---";
  if (code === "DUPLICATE_KEY") return "this key is there twice";
  if (code === "TAG_RESOLVE_FAILED") return "tags (!) are not supported";
  if (message.includes("call stack")) return "nested too deeply";
  const source = text.split("\n")[line - 1] ?? "";
  if (/[{[].*[^"'\w$]\$\{/.test(source)) return 'within { } and [ ] a substitution needs quotes: "${NAME}"';
  if (/[\s,]\[[\da-f:]*\]:\d/i.test(source)) return 'an address with brackets needs quotes: "[::1]:8080"';
  return `not YAML: ${message}`;
}

/** Turns the document's nodes into plain data, with limits that the library's own conversion does not have. */
class YamlReader {
  readonly positions = new Positions();
  readonly problems: SourceProblem[] = [];
  readonly #lines: LineIndex;
  /** Filled in the order of the document; the library's own look-up walks the whole document for each alias. */
  readonly #anchors = new Map<string, Node>();
  #expanding = 0;
  #values = 0;
  #full = false;

  constructor(lines: LineIndex) {
    this.#lines = lines;
  }

  read(node: Node | null): unknown {
    this.positions.set([], { line: 1, column: 1 });
    return this.#read(node, [], undefined);
  }

  #read(node: Node | null, path: ConfigPath, key: Node | undefined): unknown {
    if (this.#full) return null;
    if (++this.#values > MAX_VALUES) {
      this.#full = true;
      return this.#fail(node, path, `more than ${MAX_VALUES} values (aliases repeat what they stand for)`);
    }
    if (path.length > MAX_DEPTH) return this.#fail(node, path, `nested more than ${MAX_DEPTH} levels deep`);
    if (path.length > 0) this.positions.set(path, this.#place(node ?? key), key && this.#place(key));
    if (isAlias(node)) return this.#readAlias(node, path, key);
    this.#noteAnchor(node);
    if (isMap(node)) return this.#readMap(node, path);
    if (isSeq(node)) {
      return node.items.map((item, index) =>
        this.#read(isPair(item) ? null : (item as Node), [...path, index], undefined),
      );
    }
    if (isScalar(node)) return this.#readScalar(node.value, node, path);
    return null;
  }

  #readAlias(alias: Alias, path: ConfigPath, key: Node | undefined): unknown {
    const target = this.#anchors.get(alias.source);
    if (target === undefined) return this.#fail(alias, path, `no anchor &${alias.source} before this alias`);
    this.#expanding++;
    const value = this.#read(target, path, key);
    this.#expanding--;
    return value;
  }

  /** Anchors within what an alias repeats have been noted where they stand; a later one of the same name wins. */
  #noteAnchor(node: Node | null): void {
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined && this.#expanding === 0) this.#anchors.set(anchor, node as Node);
  }

  #readScalar(value: unknown, node: Node, path: ConfigPath): unknown {
    if (value === null || ["string", "number", "boolean"].includes(typeof value)) return value;
    return this.#fail(node, path, "not a text, number or boolean");
  }

  #readMap(map: YAMLMap, path: ConfigPath): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    const merged: Pair[] = [];
    for (const pair of map.items) {
      const key = pair.key as Node | null;
      if (isScalar(key) && key.value === "<<" && key.type === "PLAIN") merged.push(pair as Pair);
      else this.#readPair(result, pair as Pair, path);
    }
    for (const pair of merged) this.#merge(result, pair, path);
    return result;
  }

  #readPair(result: Record<string, unknown>, pair: Pair, path: ConfigPath): void {
    const key = pair.key as Node | null;
    if (!isScalar(key) || typeof key.value === "object") {
      this.#fail(key ?? (pair.value as Node | null), path, "a key is a text");
      return;
    }
    const name = String(key.value);
    if (name === "__proto__") this.#fail(key, path, "this key is not allowed");
    else if (!Object.hasOwn(result, name)) result[name] = this.#read(pair.value as Node | null, [...path, name], key);
  }

  /** A key that the map has itself wins over a merged one (the merge key type of YAML 1.1). */
  #merge(result: Record<string, unknown>, pair: Pair, path: ConfigPath): void {
    const value = pair.value as Node | null;
    for (const source of isSeq(value) ? (value.items as Node[]) : [value]) {
      const map = isAlias(source) ? this.#anchors.get(source.source) : source;
      if (!isMap(map)) this.#fail(source, path, "<< takes a map, or a list of maps");
      else if (path.length > MAX_DEPTH || ++this.#values > MAX_VALUES)
        this.#fail(source, path, "too much is merged here");
      else this.#mergeMap(result, map, path);
    }
  }

  #mergeMap(result: Record<string, unknown>, map: YAMLMap, path: ConfigPath): void {
    for (const pair of map.items) {
      const key = pair.key as Node | null;
      if (isScalar(key) && key.value === "<<") this.#fail(key, path, "a merged map cannot merge others itself");
      else this.#readPair(result, pair as Pair, path);
    }
  }

  #place(node: Node | null | undefined) {
    return this.#lines.position(node?.range?.[0] ?? 0);
  }

  #fail(node: Node | null, path: ConfigPath, message: string): null {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ ...this.#place(node), message, path });
    return null;
  }
}
