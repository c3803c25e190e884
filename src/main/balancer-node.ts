import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { AcmeAuthority } from "../adapters/acme-authority.ts";
import { CertificateFiles } from "../adapters/certificate-files.ts";
import { systemClock } from "../adapters/system-clock.ts";
import { ThreadedHistory } from "../adapters/threaded-history.ts";
import type { LoadedConfig } from "../config/load.ts";
import { ConfigError } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";
import { storeFile } from "../config/store.ts";
import { AcmeManager } from "../controlplane/acme/acme-manager.ts";
import { AdminServer } from "../controlplane/api/admin-server.ts";
import type { NodeState } from "../controlplane/api/node-state.ts";
import { CertificateManager } from "../controlplane/certificates/certificate-manager.ts";
import { fetchOcsp } from "../controlplane/certificates/ocsp/ocsp-fetch.ts";
import { DiscoveryManager } from "../controlplane/discovery/discovery-manager.ts";
import { NodeHealth } from "../controlplane/health/node-health.ts";
import type { Log } from "../controlplane/log.ts";
import { Reconciler } from "../controlplane/reconciler.ts";
import type { ReloadOutcome } from "../controlplane/reload-outcome.ts";
import { listenerUrls } from "./addresses.ts";
import { checkPortsFree } from "./free-ports.ts";
import { listenError } from "../config/listen-error.ts";
import { SerialQueue } from "./serial-queue.ts";
import { Supervisor } from "./supervisor.ts";
import { programVersion } from "./version.ts";

export interface BalancerNodeOptions {
  /** The configuration that it starts with. */
  readonly loaded: LoadedConfig;
  /** Reads the configuration again; absent when it did not come from a file. */
  readonly read?: () => Promise<LoadedConfig>;
  readonly log: Log;
}

/** Where a started node can be reached. */
export interface NodeAddresses {
  /** Listener name → its URLs. */
  readonly listeners: Readonly<Record<string, readonly string[]>>;
  readonly admin: string | undefined;
  readonly workers: number;
}

/** One running Evenkeel: supervisor, reconciler and REST interface, put together. The program and the library use it. */
export class BalancerNode {
  readonly #options: BalancerNodeOptions;
  readonly #config: Config;
  readonly #supervisor: Supervisor;
  readonly #reconciler: Reconciler;
  readonly #health: NodeHealth;
  readonly #discovery: DiscoveryManager;
  readonly #certificates: CertificateManager;
  readonly #acme: AcmeManager;
  readonly #startedAt = systemClock.now();
  readonly #queue = new SerialQueue();
  #loaded: LoadedConfig;
  /** The configuration that is being brought into use, while that is so. */
  #next: LoadedConfig | undefined;
  #admin: AdminServer | undefined;
  #draining = false;

  /** Throws a ConfigError when the configuration cannot be used. */
  constructor(options: BalancerNodeOptions) {
    const { loaded, log } = options;
    if (loaded.config === undefined) throw new ConfigError(loaded.problems);
    this.#options = options;
    this.#loaded = loaded;
    this.#config = loaded.config;
    const clock = systemClock;
    this.#supervisor = new Supervisor({
      workers: loaded.config.workers || availableParallelism(),
      maxServers: loaded.config.maxServers,
      dataPlane: dataPlaneUrl(),
      clock,
      log,
      wanted: (listener, name) => this.#acme.wanted(listener, name),
    });
    const supervisor = this.#supervisor;
    const history = storeFile(loaded.config.store, loaded.baseDir ?? process.cwd());
    const health = new NodeHealth({
      scoreboard: supervisor.scoreboard,
      clock,
      random: Math.random,
      log,
      probes: () => (this.#next ?? this.#loaded).extensions.probes ?? [],
      algorithms: () => (this.#next ?? this.#loaded).extensions.algorithms,
      store: history === undefined ? undefined : new ThreadedHistory(history),
    });
    this.#health = health;
    this.#discovery = new DiscoveryManager({
      clock,
      random: Math.random,
      log,
      publish: () => this.#queue.run(() => (this.#draining ? Promise.resolve(true) : this.#reconciler.refresh())),
    });
    const certificates = new CertificateManager({
      clock,
      log,
      randomBytes,
      storage: new CertificateFiles(resolve(loaded.baseDir ?? process.cwd(), loaded.config.certificateStore)),
      give: (material) => supervisor.setTlsMaterial(material),
      fetchOcsp,
      emit: (event) => health.events.add(event),
    });
    this.#certificates = certificates;
    this.#acme = new AcmeManager({
      certificates: certificates.acme,
      authority: new AcmeAuthority(`evenkeel/${programVersion()}`),
      accounts: resolve(loaded.baseDir ?? process.cwd(), loaded.config.certificateStore, "acme-accounts"),
      clock,
      random: Math.random,
      log,
    });
    this.#reconciler = new Reconciler({
      publisher: {
        publish: async (snapshot) => {
          health.prepare(snapshot);
          const baseDir = (this.#next ?? this.#loaded).baseDir ?? process.cwd();
          await certificates.prepare(snapshot.config, baseDir);
          await this.#acme.prepare(snapshot.config, baseDir);
          try {
            await (supervisor.snapshot === undefined ? supervisor.start(snapshot) : supervisor.apply(snapshot));
          } catch (error) {
            await certificates.revert();
            throw error;
          }
          await certificates.settle();
          this.#acme.follow(snapshot.config, baseDir);
          health.follow(snapshot);
        },
      },
      scoreboard: supervisor.scoreboard,
      clock,
      log,
      found: this.#discovery,
    });
  }

  /** Binds the REST interface and all listeners. Rejects, and nothing runs, when one cannot be bound. */
  async start(): Promise<NodeAddresses> {
    const { admin: wanted } = this.#config;
    try {
      await checkPortsFree(this.#config);
      const admin = wanted === false ? undefined : await this.#startAdmin(wanted);
      await this.#certificates.start();
      await this.#reconciler.start({ ...this.#loaded, config: this.#config });
      return { listeners: this.addresses(), admin, workers: this.#supervisor.workers().length };
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #startAdmin(options: Exclude<Config["admin"], false>): Promise<string> {
    this.#admin = new AdminServer(this.state(), options, this.#options.log);
    try {
      return await this.#admin.listen();
    } catch (error) {
      throw listenError("admin", options.listen, error);
    }
  }

  /** What the REST interface shows. */
  state(): NodeState {
    return {
      version: programVersion(),
      clock: systemClock,
      startedAt: this.#startedAt,
      scoreboard: this.#supervisor.scoreboard,
      snapshot: () => this.#supervisor.snapshot,
      config: () => this.#reconciler.config,
      discovery: (pool) => this.#discovery.status(pool),
      addresses: () => this.addresses(),
      workers: () => this.#supervisor.workers(),
      algorithms: () => this.#loaded.extensions.algorithms,
      draining: () => this.#draining,
      health: this.#health,
      certificates: this.#certificates,
      acme: () => this.#acme.status(),
      reload: () => this.reload(),
    };
  }

  addresses(): Record<string, string[]> {
    return listenerUrls(this.#supervisor.snapshot?.config ?? this.#config, this.#supervisor.bound);
  }

  /** Reads the configuration again and uses it if it is good; undefined when it did not come from a file. */
  reload(): Promise<ReloadOutcome> | undefined {
    const { read } = this.#options;
    return read === undefined ? undefined : this.apply(read);
  }

  /** Uses another configuration if it is good; else the old one stays. Attempts run one after the other. */
  apply(read: () => Promise<LoadedConfig>): Promise<ReloadOutcome> {
    return this.#queue.run(async () => {
      const loaded = await read();
      this.#next = loaded;
      try {
        const outcome = await this.#reconciler.reload(loaded);
        if (outcome.result === "applied") this.#loaded = loaded;
        // Who asks for the configuration to be read means the files that it names as well.
        if (outcome.result !== "kept") await this.#certificates.refresh();
        return outcome;
      } finally {
        this.#next = undefined;
      }
    });
  }

  /** Takes no new work, lets what is in flight end, and closes; at the latest after `timeout` ms. */
  async drain(timeout = this.#supervisor.snapshot?.config.drainTimeout ?? 0): Promise<void> {
    this.#draining = true;
    void this.#acme.close();
    await this.#supervisor.drain(timeout);
    await this.close();
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    this.#draining = true;
    this.#discovery.close();
    const acme = this.#acme.close();
    this.#certificates.close();
    this.#reconciler.close();
    await this.#health.close();
    await this.#supervisor.close();
    await this.#admin?.close();
    await acme;
  }
}

/** The data plane's module: in the sources it ends in .ts, in the built package in .js. */
function dataPlaneUrl(): string {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  return new URL(`../dataplane/data-plane${extension}`, import.meta.url).href;
}
