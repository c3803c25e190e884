import { isDeepStrictEqual } from "node:util";
import { tlsNeeds } from "../../config/certificates/tls-needs.ts";
import { ConfigError, formatPath } from "../../config/problem.ts";
import type { Config } from "../../config/schema.ts";
import { NO_TLS_MATERIAL, type TlsMaterial } from "../../config/tls-material.ts";
import type { Clock } from "../../core/clock.ts";
import type { AcmeCertificates, Challenges } from "../acme/certificate-port.ts";
import type { Log } from "../log.ts";
import { assemble, shownCertificates, type Wanted } from "./assemble.ts";
import { certificateEntries, type CertificateEntry } from "./certificate-entry.ts";
import type { NewCertificateEvent } from "./certificate-event.ts";
import { CertificateReporter } from "./certificate-reporter.ts";
import type { CertificateStorage } from "./certificate-storage.ts";
import { FileSources } from "./file-sources.ts";
import { initialAssignment } from "./initial-assignment.ts";
import type { OcspFetch } from "./ocsp/ocsp-fetch.ts";
import { OcspStaples, type OcspState } from "./ocsp/ocsp-staples.ts";
import { nextDate, type Shown } from "./shown.ts";
import { StoredCertificates, type StoredCertificate } from "./stored-certificates.ts";
import { TicketKeyRings } from "./ticket-key-rings.ts";

export interface CertificateManagerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes that nobody can guess, for ticket keys. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly storage: CertificateStorage;
  /** Gives the material to all workers; resolves when they have it. Never rejects. */
  give(material: TlsMaterial): Promise<void>;
  /** Asks an OCSP responder. */
  readonly fetchOcsp: OcspFetch;
  /** Something happened to a certificate. */
  emit(event: NewCertificateEvent): void;
}

/** How often dates, rotations and complaints are looked at, in ms. */
const TICK = 1_000;
const NO_CHALLENGES: Challenges = { http: {}, alpn: {} };

/**
 * Keeps the certificates of the node: reads and watches the files that the configuration names, keeps those that come over
 * REST and by ACME, and gives the workers what they need whenever something of it changes.
 */
export class CertificateManager {
  readonly #options: CertificateManagerOptions;
  readonly #stored: StoredCertificates;
  readonly #files: FileSources;
  readonly #tickets: TicketKeyRings;
  readonly #reporter: CertificateReporter;
  readonly #ocsp: OcspStaples;
  readonly #timer: NodeJS.Timeout;
  /** The configuration in use, and the one that is about to be. */
  #current: Wanted | undefined;
  #next: Wanted | undefined;
  /** Which listeners show which certificates of ACME; undefined until ACME has said so. */
  #assignment: Readonly<Record<string, readonly string[]>> | undefined;
  #challenges = NO_CHALLENGES;
  #material: TlsMaterial = NO_TLS_MATERIAL;
  #given: Promise<void> = Promise.resolve();
  /** When the dates of a certificate become good or bad, ms since 1970. */
  #nextDate = Infinity;
  #closed = false;

  constructor(options: CertificateManagerOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#stored = new StoredCertificates(options.storage, clock, log);
    this.#tickets = new TicketKeyRings(options.randomBytes);
    this.#reporter = new CertificateReporter(clock, log, options.emit);
    this.#files = new FileSources({
      clock,
      log,
      changed: () => void this.publish(),
      unusable: (file, reason) => this.#reporter.tell(`file:${file}`, "certificate_unusable", reason),
    });
    this.#ocsp = new OcspStaples({ clock, log, fetch: options.fetchOcsp, changed: () => void this.publish() });
    this.#timer = setInterval(() => this.#tick(), TICK);
    this.#timer.unref();
  }

  /** Reads the store. To be called once, before the first `prepare`. */
  start(): Promise<void> {
    return this.#stored.start();
  }

  /**
   * Makes ready what a configuration needs, beside what the one in use needs: workers have it when this resolves. Rejects
   * with a ConfigError when a file cannot be used. `settle` or `revert` is to be called next.
   */
  async prepare(config: Config, baseDir: string): Promise<void> {
    const needs = tlsNeeds(config, baseDir);
    const errors = await this.#files.add(needs);
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
    await this.#files.keep(this.#wanted().map(({ needs }) => needs));
    await this.publish();
  }

  /** Reads all files again; resolves when the workers have what changed. */
  async refresh(): Promise<void> {
    await this.#files.refresh();
    await this.publish();
  }

  /** Gives the workers what has changed; resolves when they have it. Never rejects. */
  publish(): Promise<void> {
    if (this.#closed) return this.#given;
    const { clock, give, log } = this.#options;
    try {
      const shown = this.#shown();
      this.#ocsp.follow(shown.flatMap((one) => (this.#staples(one) ? [{ ...one, file: one.ocspFile }] : [])));
      const parts = this.#assemble();
      const { version, ...before } = this.#material;
      if (!isDeepStrictEqual(parts, before)) {
        this.#material = { version: version + 1, ...parts };
        this.#given = give(this.#material);
      }
      this.#nextDate = nextDate(shown, clock.wall());
      if (this.#current !== undefined) this.#reporter.follow(shown);
    } catch (error) {
      log("error", `certificates: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    return this.#given;
  }

  /** All certificates for clients. */
  entries(): CertificateEntry[] {
    const { needs = { listeners: [], pools: [] } } = this.#current ?? {};
    return certificateEntries(needs, this.#files, this.#stored.list(), this.#assigned());
  }

  /** How it stands with a certificate's OCSP response; undefined when it has neither a responder nor a file. */
  ocspState({ pair }: CertificateEntry): OcspState | undefined {
    return this.#ocsp.state(pair);
  }

  /** What is wrong with files that are named for TLS and whose content from before is in use, one line each. */
  problems(): string[] {
    return this.#files.problems();
  }

  /**
   * Keeps a certificate in the store, in place of the one with its id. Resolves when all workers have it. Rejects with a
   * CertificateError when it cannot be used, or with the disk's error; then nothing has changed.
   */
  async put(id: string, chain: string, key: string): Promise<StoredCertificate> {
    const stored = await this.#stored.put(id, chain, key);
    await this.publish();
    return stored;
  }

  /** Removes a certificate from the store; false when there is none. Resolves when no worker shows it any more. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.#stored.remove(id);
    await this.publish();
    return removed;
  }

  /** What ACME needs of this. */
  get acme(): AcmeCertificates {
    return {
      list: () =>
        this.#stored
          .list()
          .filter(({ id }) => id.startsWith("acme:"))
          .map(({ id, pair }) => ({ id, chain: pair.chain })),
      put: async (id, { chain, key }) => void (await this.put(id, chain, key)),
      remove: async (id) => void (await this.remove(id)),
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
    this.#files.close();
    this.#ocsp.close();
  }

  #wanted(): Wanted[] {
    return [this.#next, this.#current].filter((wanted) => wanted !== undefined);
  }

  #shown(): Shown[] {
    return shownCertificates({ wanted: this.#wanted(), files: this.#files, stored: this.#storedShown() });
  }

  /** Whether one of the listeners that show it staples responses. */
  #staples({ listeners }: Shown): boolean {
    return this.#wanted().some(({ config }) =>
      Object.entries(config.listeners).some(([name, { tls }]) => {
        return tls?.ocspStapling === true && !tls.passthrough && (listeners === null || listeners.includes(name));
      }),
    );
  }

  #assigned(): Readonly<Record<string, readonly string[]>> {
    const [wanted] = this.#wanted();
    return this.#assignment ?? (wanted === undefined ? {} : initialAssignment(wanted.config, this.#stored.list()));
  }

  #storedShown(): Shown[] {
    const assigned = this.#assigned();
    return this.#stored.list().flatMap(({ id, pair }): Shown[] => {
      if (id.startsWith("rest:")) return [{ id, pair, ocspFile: null, listeners: null }];
      const listeners = assigned[id];
      return listeners === undefined ? [] : [{ id, pair, ocspFile: null, listeners }];
    });
  }

  #assemble(): Omit<TlsMaterial, "version"> {
    const { clock } = this.#options;
    const wanted = this.#wanted();
    return assemble({
      wanted,
      files: this.#files,
      stored: this.#storedShown(),
      ticketKeys: this.#tickets.keys(
        wanted.map(({ config }) => config),
        clock.now(),
      ),
      challenges: this.#challenges,
      ocsp: (shown) => (this.#staples(shown) ? this.#ocsp.response(shown.pair) : null),
      now: clock.wall(),
    });
  }

  #tick(): void {
    const { clock } = this.#options;
    const rotated = this.#tickets.rotate(
      this.#wanted().map(({ config }) => config),
      clock.now(),
    );
    this.#files.tick();
    this.#ocsp.tick();
    this.#reporter.look();
    if (rotated || clock.wall() >= this.#nextDate) void this.publish();
  }
}
