import { randomBytes } from "node:crypto";
import type { TlsMaterial } from "../../config/tls-material.ts";
import type { NewCertificateEvent } from "./certificate-event.ts";
import { CertificateManager } from "./certificate-manager.ts";
import type { CertificateStorage, StoredPair } from "./certificate-storage.ts";
import type { OcspFetch } from "./ocsp/ocsp-fetch.ts";

/** A storage in memory. */
export class MemoryStorage implements CertificateStorage {
  readonly pairs = new Map<string, StoredPair>();
  /** Thrown by the next change. */
  failure: Error | undefined;

  async load(): Promise<{ pairs: StoredPair[]; problems: string[] }> {
    return { pairs: [...this.pairs.values()], problems: [] };
  }

  async put(pair: StoredPair): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.pairs.set(pair.id, pair);
  }

  async remove(id: string): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.pairs.delete(id);
  }
}

/** A manager with everything that it gives away kept for the test. The wall clock can be set. */
export class ManagerFixture {
  readonly storage: MemoryStorage;
  readonly given: TlsMaterial[] = [];
  readonly events: NewCertificateEvent[] = [];
  readonly log: string[] = [];
  readonly manager: CertificateManager;
  /** Answers OCSP requests. */
  responder: OcspFetch = async () => {
    throw new Error("there is no responder");
  };
  /** Added to the real time, ms. */
  ahead = 0;

  constructor(storage = new MemoryStorage()) {
    this.storage = storage;
    this.manager = new CertificateManager({
      clock: { now: () => performance.now() + this.ahead, wall: () => Date.now() + this.ahead },
      log: (level, message) => this.log.push(`${level}: ${message}`),
      randomBytes,
      storage,
      give: async (material) => void this.given.push(material),
      fetchOcsp: (url, request) => this.responder(url, request),
      emit: (event) => this.events.push(event),
    });
  }

  /** What the workers have now. */
  get material(): TlsMaterial {
    return this.given.at(-1)!;
  }
}
