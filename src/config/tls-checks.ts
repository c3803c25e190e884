import type { LooseConfig } from "./loose-config.ts";
import type { ConfigPath } from "./problem.ts";
import type { Visit } from "./visit.ts";

type LooseListener = NonNullable<NonNullable<LooseConfig["listeners"]>[string]>;
type LooseTls = NonNullable<LooseListener["tls"]>;

/** What the settings of TLS towards clients say about each other; the files are looked at in tls-file-checks.ts. */
export function checkTls(config: LooseConfig, visit: Visit): void {
  for (const [name, listener] of Object.entries(config.listeners ?? {})) {
    const { tls } = listener ?? {};
    if (tls === undefined || tls.passthrough === true) continue;
    const path = ["listeners", name, "tls"];
    checkCertificates(tls, path, visit);
    if (tls.minVersion === "TLSv1.3" && tls.ciphers !== undefined) {
      visit.warn([...path, "ciphers"], "has no effect: `minVersion` leaves no TLS 1.2, whose suites it names", "key");
    }
  }
}

function checkCertificates(tls: LooseTls, path: ConfigPath, visit: Visit): void {
  const { certificates = [], acme } = tls;
  if (certificates.length === 0 && acme === undefined) {
    const only = "no certificate is named: only those that are added over REST are shown";
    visit.warn([...path, "certificates"], only, "key");
  }
  const seen = new Map<string, number>();
  for (const [index, certificate] of certificates.entries()) {
    const file = certificate?.cert;
    if (file === undefined) continue;
    const first = seen.get(file);
    if (first === undefined) seen.set(file, index);
    else visit.error([...path, "certificates", index, "cert"], `the same file as certificates[${first}]`);
  }
}
