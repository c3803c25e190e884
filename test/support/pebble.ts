import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { Answer } from "dns-packet";
import { certificateFiles, temporaryFolder, TestAuthority, type CertificateFiles } from "./certificates.ts";
import { atEnd, onFailure } from "./cleanup.ts";
import { startDnsServer } from "./dns-server.ts";
import { freePort } from "./origins.ts";
import { tool } from "./tools.ts";
import { waitFor } from "./wait.ts";

/*
 * Pebble, Let's Encrypt's ACME authority for tests. All names lead to 127.0.0.1, and TXT records are those of a file that the
 * program at `dnsHook` writes.
 */

/** How pebble behaves. */
export interface PebbleOptions {
  /** Where it looks for http-01, on 127.0.0.1. */
  readonly httpPort?: number;
  /** Where it looks for tls-alpn-01. */
  readonly tlsPort?: number;
  /** Good nonces that it refuses, in percent. */
  readonly nonceReject?: number;
  /** How long its certificates are good, in seconds; five years when absent. */
  readonly validity?: number;
  /** Accounts need this external account: key id and key in base64url. */
  readonly external?: { readonly keyId: string; readonly hmacKey: string };
  /** A port that was free; another one when absent. */
  readonly port?: number;
}

/** A TXT record that the hook has set or removed. */
export interface HookCall {
  readonly action: string;
  readonly name: string;
  readonly value: string;
}

/** A running pebble. It ends with the test that started it. */
export class Pebble {
  readonly log: string[] = [];
  readonly port: number;
  readonly managementPort: number;
  readonly files: CertificateFiles;
  /** Program and arguments for `dnsHook`. */
  readonly dnsHook: readonly string[];
  readonly #hookFile: string;
  readonly #start: () => ChildProcess;
  #process: ChildProcess;

  constructor(
    ports: { readonly port: number; readonly managementPort: number },
    files: CertificateFiles,
    folder: string,
    start: () => ChildProcess,
  ) {
    this.port = ports.port;
    this.managementPort = ports.managementPort;
    this.files = files;
    this.#hookFile = join(folder, "records.txt");
    const script = join(folder, "hook.sh");
    writeFileSync(script, 'echo "$2 $3 $4" >>"$1"\n');
    this.dnsHook = ["/bin/sh", script, this.#hookFile];
    this.#start = start;
    this.#process = this.#run();
  }

  get directory(): string {
    return `https://127.0.0.1:${this.port}/dir`;
  }

  /** All calls of the hook until now. */
  get hookCalls(): HookCall[] {
    if (!existsSync(this.#hookFile)) return [];
    const lines = readFileSync(this.#hookFile, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => {
      const [action = "", name = "", value = ""] = line.split(" ");
      return { action, name, value };
    });
  }

  /** TXT records that are set now. */
  txt(name: string): string[] {
    const set: string[] = [];
    for (const call of this.hookCalls) {
      if (call.name !== name.toLowerCase()) continue;
      if (call.action === "present") set.push(call.value);
      else set.splice(set.indexOf(call.value), 1);
    }
    return set;
  }

  /** Lines of its log that match. */
  count(pattern: RegExp): number {
    return this.log.filter((line) => pattern.test(line)).length;
  }

  /** PEM of the root that its certificates lead to. */
  async root(): Promise<string> {
    return (await fetchText(`https://127.0.0.1:${this.managementPort}/roots/0`)).trim();
  }

  async ready(): Promise<this> {
    await waitFor("pebble's directory", () =>
      fetchText(this.directory).then(
        () => true,
        () => false,
      ),
    );
    return this;
  }

  /** Ends it; everything that it knew is lost. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }

  /** Starts it again, without what it knew: no accounts, another root. */
  async again(): Promise<this> {
    this.#process = this.#run();
    return this.ready();
  }

  #run(): ChildProcess {
    const child = this.#start();
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => this.log.push(...text.trimEnd().split("\n")));
    }
    return child;
  }
}

/** Prepares a pebble and does not start it: for tests in which the authority comes later. Its `again` starts it. */
export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const folder = temporaryFolder();
  const authority = await TestAuthority.create("Pebble's own");
  const files = certificateFiles(await authority.issue({ names: ["127.0.0.1", "localhost"] }), folder, "pebble");
  const port = options.port ?? (await freePort());
  const managementPort = await freePort();
  const { external, validity } = options;
  const settings = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate: files.cert,
      privateKey: files.key,
      httpPort: options.httpPort ?? 1,
      tlsPort: options.tlsPort ?? 1,
      externalAccountBindingRequired: external !== undefined,
      ...(external !== undefined && { externalAccountMACKeys: { [external.keyId]: external.hmacKey } }),
      ...(validity !== undefined && { certificateValidityPeriod: validity }),
    },
  };
  const config = join(folder, "pebble.json");
  writeFileSync(config, JSON.stringify(settings));
  let pebble: Pebble | undefined;
  const dns = await startDnsServer(({ name, type }) => {
    const answers: Answer[] = [];
    if (type === "A") answers.push({ type: "A", name, ttl: 1, data: "127.0.0.1" });
    if (type === "TXT")
      for (const data of pebble?.txt(name) ?? []) answers.push({ type: "TXT", name, ttl: 1, data: [data] });
    return { answers };
  });
  const start = (): ChildProcess =>
    spawn(tool("pebble"), ["-config", config, "-dnsserver", dns.address, "-strict"], {
      env: {
        PEBBLE_VA_NOSLEEP: "1",
        PEBBLE_AUTHZREUSE: "0",
        PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 30),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
  pebble = new Pebble({ port, managementPort }, files, folder, start);
  const started = pebble;
  atEnd(() => started.stop());
  onFailure(() => console.error(`log of pebble:\n${started.log.slice(-30).join("\n")}`));
  return started.ready();
}

/** The body of an answer over HTTPS; the server's certificate is not looked at. */
export function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { rejectUnauthorized: false, agent: false, timeout: 5000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => (answer.statusCode === 200 ? resolve(text) : reject(new Error(`${url}: ${text}`))));
      answer.on("error", reject);
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`${url}: no answer`)));
    outgoing.on("error", reject);
    outgoing.end();
  });
}
