import { readFileSync } from "node:fs";

/*
 * What an origin did, one line per event, written before the origin goes on: a process that is killed takes no finished
 * line with it. `B id method time` a request has begun, `F id method time` its answer was written, `C id method time`
 * the connection was closed before it could be.
 */

/** B: begun, F: finished, C: cancelled. */
export type JournalKind = "B" | "F" | "C";

/** One event of a request at one origin. */
export interface JournalEntry {
  readonly kind: JournalKind;
  /** The request's X-Test-Id; "-" for what has none, such as a health check. */
  readonly id: string;
  readonly method: string;
  /** By `monotonic()`. */
  readonly at: number;
}

export function journalLine(kind: JournalKind, id: string, method: string, at: number): string {
  return `${kind} ${id} ${method} ${at.toFixed(2)}\n`;
}

/** All events so far. A last line that is cut off is left out. */
export function readJournal(file: string): JournalEntry[] {
  const lines = readFileSync(file, "latin1").split("\n");
  lines.pop();
  return lines.map((line) => {
    const [kind, id, method, at] = line.split(" ");
    return { kind: kind as JournalKind, id, method, at: Number(at) };
  });
}
