import type { FileFinding, Loaded } from "../../config/certificates/load-needs.ts";

/** Files that together make one thing, such as a certificate and its key: the last good content, and what is wrong now. */
export class FileSource<Value> {
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly #load: () => Promise<Loaded<Value>>;
  #value: Value | undefined;
  #errors: readonly FileFinding[] = [];
  #warnings: readonly FileFinding[] = [];
  /** Grows with each reading: a slow one that was overtaken changes nothing. */
  #reading = 0;

  constructor(files: readonly string[], load: () => Promise<Loaded<Value>>) {
    this.files = files;
    this.#load = load;
  }

  /** What the files held when they were good the last time; undefined if they never were. */
  get value(): Value | undefined {
    return this.#value;
  }

  /** Why the files cannot be used as they are now; empty when `value` is what they hold. */
  get errors(): readonly FileFinding[] {
    return this.#errors;
  }

  get warnings(): readonly FileFinding[] {
    return this.#warnings;
  }

  /** Reads the files again. Bad ones leave the value as it was. Never rejects. */
  async read(): Promise<void> {
    const reading = ++this.#reading;
    const { value, errors, warnings } = await this.#load();
    if (reading !== this.#reading) return;
    this.#errors = errors;
    if (value === undefined) return;
    this.#value = value;
    this.#warnings = warnings;
  }
}
