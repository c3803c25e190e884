import type { ConfigPath } from "./problem.ts";
import type { Position, Positions } from "./positions.ts";

/** Something wrong with the text itself, before anything is known about its meaning. */
export interface SourceProblem extends Position {
  readonly message: string;
  readonly path?: ConfigPath;
}

/** A parsed file: plain data (objects, arrays, strings, numbers, booleans, null) and where each part stands. */
export interface ParsedSource {
  readonly value: unknown;
  readonly positions: Positions;
  readonly problems: readonly SourceProblem[];
}

/** Deepest nesting of objects and lists that a configuration may have. */
export const MAX_DEPTH = 64;
/** Most values in one configuration, those that YAML aliases repeat counted each time. */
export const MAX_VALUES = 300_000;
/** Longest configuration text, in characters. */
export const MAX_LENGTH = 32 * 1024 * 1024;

/** Finds line and column of an offset by bisection over the starts of the lines. */
export class LineIndex {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let index = text.indexOf("\n"); index !== -1; index = text.indexOf("\n", index + 1)) {
      this.#starts.push(index + 1);
    }
  }

  position(offset: number): Position {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.#starts[low] + 1 };
  }
}
