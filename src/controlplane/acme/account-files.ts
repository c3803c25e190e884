import { createHash, generateKeyPairSync, randomUUID } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileReason } from "../../config/file-error.ts";
import type { AcmeConfig } from "../../config/tls-schema.ts";
import type { Account } from "./authority.ts";

interface Kept {
  readonly directory: string;
  readonly key: string;
  readonly url: string | null;
}

/**
 * Accounts with authorities: a private key and, once it is known, the account's URL, in one file each, which only this user can
 * read. There is one account per directory, external account and address of contact.
 */
export class AccountFiles {
  readonly #folder: string;
  readonly #known = new Map<string, Promise<Kept>>();

  /** @param folder made when it is needed */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The account for these settings; its key is made, and is on disk, before this resolves. Rejects with an Error that says why. */
  async load(settings: AcmeConfig): Promise<Account> {
    const file = fileOf(settings);
    let kept = this.#known.get(file);
    if (kept === undefined) {
      kept = this.#read(file, settings.directory);
      this.#known.set(file, kept);
      kept.catch(() => this.#known.delete(file));
    }
    const { key, url } = await kept;
    return { key, url, email: settings.email ?? null, external: settings.externalAccount ?? null };
  }

  /** Keeps the account's URL, or that it has none any more. */
  async save(settings: AcmeConfig, url: string | null): Promise<void> {
    const file = fileOf(settings);
    const before = await this.#known.get(file);
    if (before === undefined || before.url === url) return;
    const kept = { ...before, url };
    this.#known.set(file, Promise.resolve(kept));
    await this.#write(file, kept);
  }

  async #read(file: string, directory: string): Promise<Kept> {
    let text: string;
    try {
      text = await readFile(join(this.#folder, file), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw this.#problem(file, error);
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const key = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
      const kept = { directory, key, url: null };
      await this.#write(file, kept);
      return kept;
    }
    const { key, url = null } = parsed(text);
    // A key that is lost is an account that is lost: the file is left for people to look at.
    if (typeof key !== "string") throw new Error(`the ACME account in ${join(this.#folder, file)} cannot be read`);
    return { directory, key, url: typeof url === "string" ? url : null };
  }

  /** Writes a file beside, and puts it in place when it is whole and on disk. */
  async #write(file: string, kept: Kept): Promise<void> {
    const temporary = join(this.#folder, `.${file}.${randomUUID()}`);
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await chmod(this.#folder, 0o700);
      const handle = await open(temporary, "wx", 0o600);
      try {
        await handle.writeFile(JSON.stringify(kept, undefined, 2));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, join(this.#folder, file));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw this.#problem(file, error);
    }
  }

  #problem(file: string, error: unknown): Error {
    return new Error(`the ACME account in ${join(this.#folder, file)}: ${fileReason(error)}`, { cause: error });
  }
}

function fileOf({ directory, email, externalAccount }: AcmeConfig): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([directory, email, externalAccount?.keyId]))
    .digest("hex");
  return `${hash.slice(0, 24)}.json`;
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
