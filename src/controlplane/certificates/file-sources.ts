import {
  loadAuthorities,
  loadPair,
  type FileFinding,
  type LoadedAuthorities,
  type LoadedPair,
} from "../../config/certificates/load-needs.ts";
import type { AuthoritiesNeed, PairNeed, TlsNeeds } from "../../config/certificates/tls-needs.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../log.ts";
import { FileSource } from "./file-source.ts";
import { WatchedFiles } from "./watched-files.ts";

/**
 * Files that are replaced one after the other do not fit each other for a moment; only after so many ms it is said that
 * they cannot be used.
 */
const PATIENCE = 3_000;

type Source = FileSource<LoadedPair> | FileSource<LoadedAuthorities>;

interface Complaint {
  readonly since: number;
  said: boolean;
}

export interface FileSourcesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Some files have other content, and their sources have been read again. */
  changed(): void;
  /** The files that begin with this one cannot be used any more; what was read before stays. */
  unusable(file: string, reason: string): void;
}

/** All files that configurations name for TLS, read and watched. A source stays the same over reloads that keep its files. */
export class FileSources {
  readonly #options: FileSourcesOptions;
  readonly #sources = new Map<string, Source>();
  readonly #complaints = new Map<Source, Complaint>();
  readonly #watched: WatchedFiles;

  constructor(options: FileSourcesOptions) {
    this.#options = options;
    this.#watched = new WatchedFiles((files) => void this.#reread(files), options.log);
  }

  /** Reads what these need and is not there yet. Returns why some of it cannot be used; then nothing has changed. */
  async add(needs: TlsNeeds): Promise<{ readonly need: PairNeed | AuthoritiesNeed; readonly error: FileFinding }[]> {
    const { clock } = this.#options;
    const fresh = new Map<string, { need: PairNeed | AuthoritiesNeed; source: Source }>();
    for (const need of allNeeds(needs)) {
      const key = keyOf(need);
      if (this.#sources.has(key) || fresh.has(key)) continue;
      const source: Source =
        need.kind === "pair"
          ? new FileSource([need.cert, need.key, ...(need.ocsp === undefined ? [] : [need.ocsp])], () =>
              loadPair(need, clock.wall()),
            )
          : new FileSource([...need.ca, ...need.crl], () => loadAuthorities(need, clock.wall()));
      fresh.set(key, { need, source });
    }
    if (fresh.size === 0) return [];
    // First noted, then read: a change in between is seen.
    const all = [...this.#sources.values(), ...[...fresh.values()].map(({ source }) => source)];
    await this.#watched.follow(all.flatMap(({ files }) => files));
    await Promise.all([...fresh.values()].map(({ source }) => source.read()));
    const errors = [...fresh.values()].flatMap(({ need, source }) => source.errors.map((error) => ({ need, error })));
    if (errors.length === 0) for (const [key, { source }] of fresh) this.#sources.set(key, source);
    else await this.#watched.follow([...this.#sources.values()].flatMap(({ files }) => files));
    return errors;
  }

  /** Only what these need is used from now on. */
  async keep(all: readonly TlsNeeds[]): Promise<void> {
    const used = new Set(all.flatMap((needs) => allNeeds(needs).map(keyOf)));
    let gone = false;
    for (const [key, source] of this.#sources) {
      if (used.has(key)) continue;
      this.#sources.delete(key);
      this.#complaints.delete(source);
      gone = true;
    }
    if (gone) await this.#watched.follow([...this.#sources.values()].flatMap(({ files }) => files));
  }

  /** Reads everything again, as if all files had changed. */
  async refresh(): Promise<void> {
    await this.#read([...this.#sources.values()]);
  }

  pair(need: PairNeed): LoadedPair | undefined {
    return this.pairSource(need)?.value;
  }

  pairSource(need: PairNeed): FileSource<LoadedPair> | undefined {
    return this.#sources.get(keyOf(need)) as FileSource<LoadedPair> | undefined;
  }

  authorities(need: AuthoritiesNeed): LoadedAuthorities | undefined {
    return (this.#sources.get(keyOf(need)) as FileSource<LoadedAuthorities> | undefined)?.value;
  }

  /** What is wrong with files whose content from before is still in use. */
  problems(): string[] {
    return [...this.#sources.values()].flatMap(({ errors }) => errors.map(({ message }) => message));
  }

  /** Says in the log what has been wrong for a while; to be called from time to time. */
  tick(): void {
    const now = this.#options.clock.now();
    for (const [source, complaint] of this.#complaints) {
      if (complaint.said || now - complaint.since < PATIENCE) continue;
      complaint.said = true;
      const reason = source.errors.map(({ message }) => message).join("; ");
      this.#options.unusable(source.files[0]!, `${reason}; what was read before stays in use`);
    }
  }

  close(): void {
    this.#watched.close();
  }

  async #reread(files: ReadonlySet<string>): Promise<void> {
    await this.#read([...this.#sources.values()].filter((source) => source.files.some((file) => files.has(file))));
  }

  async #read(sources: readonly Source[]): Promise<void> {
    if (sources.length === 0) return;
    const { clock, log } = this.#options;
    await Promise.all(sources.map((source) => source.read()));
    for (const source of sources) {
      const before = this.#complaints.get(source);
      if (source.errors.length > 0) {
        if (before === undefined) this.#complaints.set(source, { since: clock.now(), said: false });
      } else if (before !== undefined) {
        this.#complaints.delete(source);
        if (before.said) log("info", `${source.files[0]!} can be used again`);
      }
    }
    this.#options.changed();
  }
}

function allNeeds({ listeners, pools }: TlsNeeds): (PairNeed | AuthoritiesNeed)[] {
  return [
    ...listeners.flatMap(({ certificates, clients }) => [...certificates, ...(clients === undefined ? [] : [clients])]),
    ...pools.flatMap(({ servers, client }) => [servers, ...(client === undefined ? [] : [client])]),
  ];
}

function keyOf(need: PairNeed | AuthoritiesNeed): string {
  return need.kind === "pair"
    ? JSON.stringify([need.cert, need.key, need.ocsp ?? null])
    : JSON.stringify({ ca: need.ca, crl: need.crl });
}
