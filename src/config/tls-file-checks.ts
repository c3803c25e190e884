import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { loadAuthorities, loadPair, type FileFinding, type Loaded } from "./certificates/load-needs.ts";
import { tlsNeeds } from "./certificates/tls-needs.ts";
import type { ConfigPath } from "./problem.ts";
import type { Config } from "./schema.ts";

/** Something about the files that a configuration names, or about what only OpenSSL can tell. */
export interface TlsFinding {
  readonly severity: "error" | "warning";
  readonly path: ConfigPath;
  readonly message: string;
}

/**
 * Reads the certificates, keys and lists that a configuration names and says what is wrong with them. The control plane
 * reads them again when it uses them: keys never become part of a configuration.
 *
 * @param baseDir where relative paths start
 * @param now ms since 1970
 */
export async function checkTlsFiles(config: Config, baseDir: string, now: number): Promise<TlsFinding[]> {
  const findings: TlsFinding[] = [];
  const collect = (path: ConfigPath, { errors, warnings }: Loaded<unknown>) => {
    const add = (severity: TlsFinding["severity"], { part, index, message }: FileFinding) =>
      findings.push({ severity, path: [...path, part, ...(index === undefined ? [] : [index])], message });
    for (const error of errors) add("error", error);
    for (const warning of warnings) add("warning", warning);
  };
  const { listeners, pools } = tlsNeeds(config, baseDir);
  for (const { certificates, clients } of listeners) {
    for (const need of certificates) collect(need.path, await loadPair(need, now));
    if (clients !== undefined) collect(clients.path, await loadAuthorities(clients, now));
  }
  for (const { servers, client } of pools) {
    collect(servers.path, await loadAuthorities(servers, now));
    if (client !== undefined) collect(client.path, await loadPair(client, now));
  }
  if (await isOtherThanFolder(resolve(baseDir, config.certificateStore))) {
    const message = "not a directory: certificates by ACME and over REST cannot be kept there";
    findings.push({ severity: "error", path: ["certificateStore"], message });
  }
  for (const [name, { tls }] of Object.entries(config.listeners)) {
    if (tls?.ciphers === undefined) continue;
    try {
      createSecureContext({ ciphers: tls.ciphers });
    } catch {
      const message = "OpenSSL knows no cipher suite in it; an example: ECDHE+AESGCM:ECDHE+CHACHA20";
      findings.push({ severity: "error", path: ["listeners", name, "tls", "ciphers"], message });
    }
  }
  return findings;
}

/** A folder that is not there yet is made when it is needed. */
async function isOtherThanFolder(path: string): Promise<boolean> {
  try {
    return !(await stat(path)).isDirectory();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOTDIR";
  }
}
