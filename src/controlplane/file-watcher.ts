import { type FSWatcher, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { Log } from "./log.ts";

/** Events within so many ms are one change: editors write, rename and set attributes in a row. */
const SETTLE = 150;
/** File systems without notifications are looked at this often, in ms. */
const POLL = 5_000;

/**
 * Tells when a file has other content. It watches the file's directory, for editors and Kubernetes put another file
 * in its place (which ends a watch on the file itself), and compares what the path leads to.
 */
export class FileWatcher {
  readonly #file: string;
  readonly #changed: () => void;
  readonly #poll: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #settle: NodeJS.Timeout | undefined;
  #seen: string;

  constructor(file: string, changed: () => void, log: Log) {
    this.#file = file;
    this.#changed = changed;
    this.#seen = fingerprint(file);
    this.#poll = setInterval(() => this.#look(), POLL);
    this.#poll.unref();
    try {
      this.#watcher = watch(dirname(file), { persistent: false }, () => this.#soon());
      this.#watcher.on("error", (error) => {
        log("warn", `${file} is no longer watched, only looked at every ${POLL / 1000} s: ${error.message}`);
        this.#watcher?.close();
      });
    } catch (error) {
      log("warn", `${file} cannot be watched, only looked at every ${POLL / 1000} s: ${(error as Error).message}`);
    }
  }

  close(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    this.#watcher?.close();
  }

  #soon(): void {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.#look(), SETTLE);
    this.#settle.unref();
  }

  #look(): void {
    const now = fingerprint(this.#file);
    // A file that is gone is about to be replaced, or was deleted by mistake: either way what runs goes on.
    if (now === "" || now === this.#seen) return;
    this.#seen = now;
    this.#changed();
  }
}

/** What changes when another file stands behind the path or this one was written; empty when there is none. */
function fingerprint(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? "" : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}`;
}
