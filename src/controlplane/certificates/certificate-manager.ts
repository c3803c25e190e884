import { isDeepStrictEqual } from "node:util";
import { tlsNeeds } from "../../config/certificates/tls-needs.ts";
import { ConfigError, formatPath } from "../../config/problem.ts";
import type { Config } from "../../config/schema.ts";
import { NO_TLS_MATERIAL, type TlsMaterial } from "../../config/tls-material.ts";
import type { Clock } from "../../core/clock.ts";
import type { AcmeCertificates, Challenges } from "../acme/certificate-port.ts";
import type { Log } from "../log.ts";
import { assemble, shownCertificates, type Wanted } from "./assemble.ts";
import type { CertificateStorage } from "./certificate-storage.ts";
import { FileSources } from "./file-sources.ts";
import { nextDate, type Shown } from "./shown.ts";
import { StoredCertificates } from "./stored-certificates.ts";
import { TicketKeys } from "./ticket-keys.ts";

export interface CertificateManagerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes that nobody can guess, for ticket keys. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly storage: CertificateStorage;
  /** Gives the material to all workers; resolves when they have it. Never rejects. */
  give(material: TlsMaterial): Promise<void>;
}

/** How often dates, rotations and complaints are looked at, in ms. */
const TICK = 1_000;
const NO_CHALLENGES: Challenges = { http: {}, alpn: {} };

/**
 * Keeps the certificates of the node: reads and watches the files that the configuration names, keeps those that come over
 * REST and by ACME, and gives the workers what they need whenever something of it changes.
 */
export class CertificateManager {
  readonly stored: StoredCertificates;
  readonly files: FileSources;
  readonly #options: CertificateManagerOptions;
  readonly #tickets = new Map<string, TicketKeys>();
  readonly #timer: NodeJS.Timeout;
  /** The configuration in use, and the one that is about to be. */
  #current: Wanted | undefined;
  #next: Wanted | undefined;
  #assignment: Readonly<Record<string, readonly string[]>> = {};
  #challenges = NO_CHALLENGES;
  #material: TlsMaterial = NO_TLS_MATERIAL;
  #given: Promise<void> = Promise.resolve();
  #nextDate = Infinity;
  #closed = false;

  constructor(options: CertificateManagerOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.stored = new StoredCertificates(options.storage, clock, log);
    this.files = new FileSources({ clock, log, changed: () => void this.publish() });
    this.#timer = setInterval(() => this.#tick(), TICK);
    this.#timer.unref();
  }

  /** Reads the store. To be called once, before the first `prepare`. */
  start(): Promise<void> {
    return this.stored.start();
  }

  /**
   * Makes ready what a configuration needs, beside what the one in use needs: workers have it when this resolves. Rejects
   * with a ConfigError when a file cannot be used. `settle` or `revert` is to be called next.
   */
  async prepare(config: Config, baseDir: string): Promise<void> {
    const needs = tlsNeeds(config, baseDir);
    const errors = await this.files.add(needs);
    if (errors.length > 0) {
      throw new ConfigError(
        errors.map(({ need, error: { part, index, message } }) => {
          const path = formatPath([...need.path, part, ...(index === undefined ? [] : [index])]);
          return { severity: "error", path, message };
        }),
      );
    }
    this.#next = { config, needs };
    await this.publish();
  }

  /** The configuration that was prepared is in use: what only the one before needed goes. */
  async settle(): Promise<void> {
    this.#current = this.#next ?? this.#current;
    await this.revert();
  }

  /** The configuration that was prepared is not used. */
  async revert(): Promise<void> {
    this.#next = undefined;
    await this.files.keep(this.#wanted().map(({ needs }) => needs));
    await this.publish();
  }

  /** Gives the workers what has changed; resolves when they have it. Never rejects. */
  publish(): Promise<void> {
    if (this.#closed) return this.#given;
    const { clock, give, log } = this.#options;
    try {
      const parts = this.#assemble();
      const { version, ...before } = this.#material;
      if (isDeepStrictEqual(parts, before)) return this.#given;
      this.#material = { version: version + 1, ...parts };
      this.#given = give(this.#material);
    } catch (error) {
      log("error", `certificates: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    this.#nextDate = nextDate(this.shown(), clock.wall());
    return this.#given;
  }

  /** All certificates that there are to show, those that others stand in for among them. */
  shown(): Shown[] {
    return shownCertificates({ wanted: this.#wanted(), files: this.files, stored: this.#storedShown() });
  }

  /** What ACME needs of this. */
  get acme(): AcmeCertificates {
    return {
      list: () =>
        this.stored
          .list()
          .filter(({ id }) => id.startsWith("acme:"))
          .map(({ id, pair }) => ({ id, chain: pair.chain })),
      put: async (id, { chain, key }) => {
        await this.stored.put(id, chain, key);
        await this.publish();
      },
      remove: async (id) => {
        await this.stored.remove(id);
        await this.publish();
      },
      show: (assignment) => {
        this.#assignment = assignment;
        return this.publish();
      },
      setChallenges: (challenges) => {
        this.#challenges = challenges;
        return this.publish();
      },
    };
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.files.close();
  }

  #wanted(): Wanted[] {
    return [this.#next, this.#current].filter((wanted) => wanted !== undefined);
  }

  #storedShown(): Shown[] {
    return this.stored.list().flatMap(({ id, pair }): Shown[] => {
      if (id.startsWith("rest:")) return [{ id, pair, listeners: null }];
      const listeners = this.#assignment[id];
      return listeners === undefined ? [] : [{ id, pair, listeners }];
    });
  }

  #assemble(): Omit<TlsMaterial, "version"> {
    return assemble({
      wanted: this.#wanted(),
      files: this.files,
      stored: this.#storedShown(),
      ticketKeys: this.#ticketKeys(),
      challenges: this.#challenges,
      ocsp: () => null,
      now: this.#options.clock.wall(),
    });
  }

  /** Keys of all listeners with tickets; a listener's go on over reloads. */
  #ticketKeys(): Record<string, readonly Uint8Array[]> {
    const { clock, randomBytes } = this.#options;
    const keys: Record<string, readonly Uint8Array[]> = {};
    for (const [listener] of this.#listenersWithTickets()) {
      let tickets = this.#tickets.get(listener);
      if (tickets === undefined) this.#tickets.set(listener, (tickets = new TicketKeys(randomBytes, clock.now())));
      keys[listener] = tickets.keys;
    }
    for (const listener of this.#tickets.keys()) if (!Object.hasOwn(keys, listener)) this.#tickets.delete(listener);
    return keys;
  }

  /** Name and rotation in ms, of the configuration that is wanted first. */
  #listenersWithTickets(): Map<string, number> {
    const found = new Map<string, number>();
    for (const { config } of this.#wanted()) {
      for (const [name, { tls }] of Object.entries(config.listeners)) {
        if (tls === undefined || tls.passthrough || tls.sessionTickets === false || found.has(name)) continue;
        found.set(name, tls.sessionTickets.rotation);
      }
    }
    return found;
  }

  #tick(): void {
    const { clock } = this.#options;
    this.files.tick();
    let changed = clock.wall() >= this.#nextDate;
    for (const [listener, rotation] of this.#listenersWithTickets()) {
      if (this.#tickets.get(listener)?.rotate(rotation, clock.now()) === true) changed = true;
    }
    if (changed) void this.publish();
  }
}
