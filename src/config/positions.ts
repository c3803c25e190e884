import type { ConfigPath } from "./problem.ts";

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

interface Entry {
  readonly key: Position | undefined;
  readonly value: Position;
}

/** A path as a string that two different paths never share. */
export function pathKey(path: ConfigPath): string {
  let key = "";
  for (const step of path) key += `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return key;
}

/** Where the keys and values of a parsed file stand. */
export class Positions {
  readonly #entries = new Map<string, Entry>();

  set(path: ConfigPath, value: Position, key?: Position): void {
    this.#entries.set(pathKey(path), { value, key });
  }

  /**
   * The place of a value, or of its key. What the file does not hold itself (a default, a short form written out)
   * is at the nearest value around it that the file does hold.
   */
  find(path: ConfigPath, part: "key" | "value"): Position | undefined {
    for (let length = path.length; length >= 0; length--) {
      const entry = this.#entries.get(pathKey(path.slice(0, length)));
      if (entry === undefined) continue;
      return part === "key" && length === path.length ? (entry.key ?? entry.value) : entry.value;
    }
    return undefined;
  }
}
