import { isCertificateName, isHostName, isWildcard } from "../core/acme/names.ts";
import type { LooseConfig } from "./loose-config.ts";
import type { ConfigPath } from "./problem.ts";
import type { Visit } from "./visit.ts";

type LooseListener = NonNullable<NonNullable<LooseConfig["listeners"]>[string]>;
type LooseAcme = NonNullable<NonNullable<LooseListener["tls"]>["acme"]>;

/** Most names in one certificate that the well-known authorities take. */
const MAX_NAMES = 100;

/** That ACME can work as it is set: names, challenge and hook fit together, and the terms have been agreed to. */
export function checkAcme(config: LooseConfig, visit: Visit): void {
  const listeners = Object.entries(config.listeners ?? {});
  const hasPlain = listeners.some(([, listener]) => listener !== undefined && listener.tls === undefined);
  for (const [name, listener] of listeners) {
    const acme = listener?.tls?.acme;
    if (acme === undefined) continue;
    const path: ConfigPath = ["listeners", name, "tls", "acme"];
    checkTerms(acme, path, visit);
    checkNames(acme, path, visit);
    checkChallenge(acme, path, hasPlain, visit);
    checkAccount(acme, path, visit);
  }
}

function checkTerms({ agreeToTerms, directory }: LooseAcme, path: ConfigPath, visit: Visit): void {
  if (agreeToTerms === false)
    visit.error(
      path,
      "`agreeToTerms: true` is required: authorities issue certificates on their terms of service only",
      "key",
    );
  if (directory !== undefined && URL.parse(directory)?.protocol !== "https:")
    visit.error([...path, "directory"], "must be an https URL (RFC 8555 section 6.1)");
}

function checkNames({ domains, onDemand, challenge }: LooseAcme, path: ConfigPath, visit: Visit): void {
  if (domains?.length === 0 && onDemand?.length === 0)
    visit.error(path, "names are missing: `domains`, or `onDemand` for those that clients ask for", "key");
  if (domains !== undefined && domains.length > MAX_NAMES)
    visit.error([...path, "domains"], `${domains.length} names are too many for one certificate: at most ${MAX_NAMES}`);
  const seen = new Set<string>();
  for (const [index, text] of (domains ?? []).entries()) {
    if (text === undefined) continue;
    const name = text.toLowerCase();
    const at = [...path, "domains", index];
    if (!isCertificateName(name)) visit.error(at, `not a host name that can be certified${hint(name)}`);
    else if (isWildcard(name) && challenge !== undefined && challenge !== "dns-01")
      visit.error(at, "names with a wildcard need `challenge: dns-01`");
    if (seen.has(name)) visit.error(at, "the name stands here twice");
    seen.add(name);
  }
  for (const [index, text] of (onDemand ?? []).entries()) {
    if (text !== undefined && !isCertificateName(text.toLowerCase()))
      visit.error([...path, "onDemand", index], `not a host name, nor \`*.\` and one${hint(text)}`);
  }
}

function hint(name: string): string {
  if (isHostName(name.replace(/\.$/, ""))) return ": without the dot at its end";
  // oxlint-disable-next-line no-control-regex -- everything but ASCII
  if (/[^\u0000-\u007f]/.test(name)) return ": names with other letters are written as xn--…";
  return "";
}

function checkChallenge(acme: LooseAcme, path: ConfigPath, hasPlain: boolean, visit: Visit): void {
  const { challenge, dnsHook } = acme;
  if (challenge === "dns-01" && dnsHook?.length === 0)
    visit.error([...path, "challenge"], "dns-01 needs `dnsHook`, a program that sets the record");
  if (challenge !== undefined && challenge !== "dns-01" && dnsHook !== undefined && dnsHook.length > 0)
    visit.warn([...path, "dnsHook"], `is not used with ${challenge}`);
  if (challenge === "http-01" && !hasPlain)
    visit.warn([...path, "challenge"], "no listener without tls is there to answer http-01, which comes to port 80");
}

function checkAccount({ email, externalAccount }: LooseAcme, path: ConfigPath, visit: Visit): void {
  if (email !== undefined && !/^[\x21-\x7e]+@[\x21-\x7e]+$/.test(email))
    visit.error([...path, "email"], "not an address of e-mail");
  const hmacKey = externalAccount?.hmacKey;
  if (hmacKey !== undefined && !/^[\w-]{8,}={0,2}$/.test(hmacKey))
    visit.error([...path, "externalAccount", "hmacKey"], "must be the key in base64url, as the authority shows it");
}
