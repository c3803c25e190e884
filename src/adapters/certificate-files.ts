import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { CertificateStorage, StoredPair } from "../controlplane/certificates/certificate-storage.ts";

/** Ids become names of files: `rest:shop` is `rest_shop.json`. The storage is only given ids that were checked. */
const FILE = /^(rest|acme)_([A-Za-z0-9_][A-Za-z0-9._~-]*)\.json$/;

/** What a process that was killed in the middle of `put` left behind. */
const TEMPORARY = /^(rest|acme)_.*\.json\.[0-9a-f]{12}\.tmp$/;

/** Longest file that is read, in bytes. */
const MAX_FILE = 1024 * 1024;

/** Keeps certificates with their keys in a directory, one file each, open to this user alone. */
export class CertificateFiles implements CertificateStorage {
  readonly #directory: string;

  /** @param directory absolute; made when the first certificate comes */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async load(): Promise<{ pairs: StoredPair[]; problems: string[] }> {
    const pairs: StoredPair[] = [];
    const problems: string[] = [];
    for (const name of await this.#names()) {
      if (TEMPORARY.test(name)) await rm(join(this.#directory, name), { force: true });
      const [, source, rest] = FILE.exec(name) ?? [];
      if (source === undefined) continue;
      try {
        pairs.push(pairOf(`${source}:${rest!}`, await readFile(join(this.#directory, name), "utf8")));
      } catch (error) {
        // A parser's words may quote what it read: a key.
        const { code } = error as NodeJS.ErrnoException;
        problems.push(`${join(this.#directory, name)} cannot be read: ${code ?? "it is damaged"}`);
      }
    }
    return { pairs, problems };
  }

  async put({ id, chain, key }: StoredPair): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    // It may have been there before, made by somebody else's umask.
    await chmod(this.#directory, 0o700);
    const path = this.#path(id);
    const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      const handle = await open(temporary, "wx", 0o600);
      try {
        await handle.writeFile(`${JSON.stringify({ id, chain, key }, null, 2)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await this.#sync();
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
    await this.#sync();
  }

  #path(id: string): string {
    return join(this.#directory, `${id.replace(":", "_")}.json`);
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#directory)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  /** Makes renames and removals last. */
  async #sync(): Promise<void> {
    const handle = await open(this.#directory, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function pairOf(id: string, text: string): StoredPair {
  if (text.length > MAX_FILE) throw new Error("too long");
  const { chain, key } = JSON.parse(text) as Partial<StoredPair>;
  if (typeof chain !== "string" || typeof key !== "string") throw new Error("incomplete");
  return { id, chain, key };
}
