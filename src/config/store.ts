import { resolve } from "node:path";

/** Absolute path of the file that `store: sqlite:FILE` names; undefined for `memory:`. Relative ones start at `baseDir`. */
export function storeFile(store: string, baseDir: string): string | undefined {
  return store.startsWith("sqlite:") ? resolve(baseDir, store.slice("sqlite:".length)) : undefined;
}
