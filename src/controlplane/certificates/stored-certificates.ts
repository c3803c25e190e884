import { dateProblem, inspectPair, type InspectedPair } from "../../config/certificates/inspect-pair.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../log.ts";
import { isStoredId, type CertificateStorage } from "./certificate-storage.ts";

/** A certificate that cannot be used; the message is for people and has nothing of the key. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
  /** Which of the two texts is to blame; undefined when it is the id. */
  readonly part: "cert" | "key" | undefined;

  constructor(message: string, part?: "cert" | "key") {
    super(message);
    this.part = part;
  }
}

/** Certificates that may be kept at one time. */
export const MAX_STORED = 10_000;

/** A certificate of the store, ready for use. */
export interface StoredCertificate {
  readonly id: string;
  readonly pair: InspectedPair;
  readonly warnings: readonly string[];
}

/** The certificates that came over REST or by ACME. */
export class StoredCertificates {
  readonly #storage: CertificateStorage;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #all = new Map<string, StoredCertificate>();
  /** Changes run one after the other, so that disk and memory agree. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(storage: CertificateStorage, clock: Clock, log: Log) {
    this.#storage = storage;
    this.#clock = clock;
    this.#log = log;
  }

  /** Reads what is kept. What cannot be used is said in the log and left out. Never rejects. */
  async start(): Promise<void> {
    let found: Awaited<ReturnType<CertificateStorage["load"]>>;
    try {
      found = await this.#storage.load();
    } catch (error) {
      this.#log("error", `the certificate store cannot be read: ${(error as Error).message}`);
      return;
    }
    for (const problem of found.problems) this.#log("error", `certificate store: ${problem}`);
    for (const { id, chain, key } of found.pairs) {
      try {
        this.#all.set(id, inspected(id, chain, key, this.#clock.wall()));
      } catch (error) {
        this.#log("error", `certificate ${id} of the store is left out: ${(error as Error).message}`);
      }
    }
  }

  get(id: string): StoredCertificate | undefined {
    return this.#all.get(id);
  }

  /** In the order of their ids, so that nothing depends on when one came. */
  list(): StoredCertificate[] {
    return [...this.#all.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /**
   * Checks and keeps a certificate, in place of the one with its id. Rejects with a CertificateError, or with the disk's
   * error; then the one before stays.
   */
  put(id: string, chain: string, key: string): Promise<StoredCertificate> {
    return this.#run(async () => {
      const stored = inspected(id, chain, key, this.#clock.wall());
      if (!this.#all.has(id) && this.#all.size >= MAX_STORED) {
        throw new CertificateError(`there are ${MAX_STORED} certificates in the store already`);
      }
      await this.#storage.put({ id, chain: stored.pair.chain, key: stored.pair.key });
      this.#all.set(id, stored);
      return stored;
    });
  }

  /** Forgets a certificate; false when there is none. Rejects with the disk's error, and it stays. */
  remove(id: string): Promise<boolean> {
    return this.#run(async () => {
      if (!this.#all.has(id)) return false;
      await this.#storage.remove(id);
      return this.#all.delete(id);
    });
  }

  #run<Value>(work: () => Promise<Value>): Promise<Value> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function inspected(id: string, chain: string, key: string, now: number): StoredCertificate {
  if (!isStoredId(id)) {
    throw new CertificateError("a name is 1 to 128 letters, digits, dots, hyphens, underscores and tildes");
  }
  const result = inspectPair(chain, key);
  if ("reason" in result) throw new CertificateError(result.reason, result.part);
  const dates = dateProblem(result.pair, now);
  return { id, pair: result.pair, warnings: dates === undefined ? result.warnings : [...result.warnings, dates] };
}
