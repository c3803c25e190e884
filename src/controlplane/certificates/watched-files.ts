import { type FSWatcher, watch } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Log } from "../log.ts";

/** Events within so many ms are one change: programs write, rename and switch links in a row. */
const SETTLE = 100;
/** All files are looked at so often, in ms: for links further up the path, and file systems without notifications. */
const POLL = 1_000;

/**
 * Tells which of many files have other content. Each file's folder is watched, and the folder that the file is really in:
 * so files that are written, replaced by rename, or lie behind a link that is switched (Kubernetes' `..data`, certbot's
 * `live/`) are seen within a second or two.
 */
export class WatchedFiles {
  readonly #changed: (files: ReadonlySet<string>) => void;
  readonly #log: Log;
  readonly #seen = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher | undefined>();
  readonly #poll: NodeJS.Timeout;
  #settle: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #warned = false;
  #closed = false;

  constructor(changed: (files: ReadonlySet<string>) => void, log: Log) {
    this.#changed = changed;
    this.#log = log;
    this.#poll = setInterval(() => void this.look(), POLL);
    this.#poll.unref();
  }

  /**
   * These are the files from now on. Resolves when what they are like now is noted: to be awaited before new ones are read,
   * so that no change is missed.
   */
  async follow(files: Iterable<string>): Promise<void> {
    const wanted = new Set(files);
    for (const file of this.#seen.keys()) if (!wanted.has(file)) this.#seen.delete(file);
    const fresh = [...wanted].filter((file) => !this.#seen.has(file));
    for (const file of fresh) this.#seen.set(file, await fingerprint(file));
    await this.#watchFolders();
  }

  /** Looks at all files now; resolves when changes have been told. */
  look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#again = true;
      return this.#looking;
    }
    this.#looking = this.#lookOnce().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    for (const watcher of this.#folders.values()) watcher?.close();
    this.#folders.clear();
  }

  async #lookOnce(): Promise<void> {
    do {
      this.#again = false;
      const changed = new Set<string>();
      // The list may change while files are looked at.
      for (const file of Array.from(this.#seen.keys())) {
        const now = await fingerprint(file);
        const before = this.#seen.get(file);
        // A file that is gone is about to be replaced, or was deleted by mistake: either way what is in use stays.
        if (before === undefined || now === "" || now === before) continue;
        this.#seen.set(file, now);
        changed.add(file);
      }
      if (changed.size === 0 || this.#closed) continue;
      await this.#watchFolders();
      this.#changed(changed);
    } while (this.#again && !this.#closed);
  }

  async #watchFolders(): Promise<void> {
    const wanted = new Set<string>();
    for (const file of this.#seen.keys()) {
      wanted.add(dirname(file));
      const real = await realpath(file).catch(() => undefined);
      if (real !== undefined) wanted.add(dirname(real));
    }
    if (this.#closed) return;
    for (const [folder, watcher] of this.#folders) {
      if (wanted.has(folder)) continue;
      watcher?.close();
      this.#folders.delete(folder);
    }
    for (const folder of wanted) if (!this.#folders.has(folder)) this.#folders.set(folder, this.#watch(folder));
  }

  #watch(folder: string): FSWatcher | undefined {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#soon());
      watcher.on("error", () => {
        watcher.close();
        // Its next look may find the folder again.
        this.#folders.delete(folder);
      });
      return watcher;
    } catch (error) {
      if (!this.#warned) {
        const { message } = error as Error;
        this.#log("warn", `${folder} cannot be watched, only looked at every ${POLL / 1000} s: ${message}`);
      }
      this.#warned = true;
      return undefined;
    }
  }

  #soon(): void {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => void this.look(), SETTLE);
    this.#settle.unref();
  }
}

/** What changes when another file stands behind the path or this one was written; empty when there is none. */
async function fingerprint(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch {
    return "";
  }
}
