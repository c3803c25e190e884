import { fileReason } from "../file-error.ts";
import { readLimited, type ReadFile } from "../limited-file.ts";
import { inspectAuthorities, inspectRevocations, type AuthoritiesResult } from "./inspect-authorities.ts";
import { dateProblem, inspectPair, type InspectedPair } from "./inspect-pair.ts";
import type { AuthoritiesNeed, PairNeed } from "./tls-needs.ts";

/** Longest file that is read for TLS, in bytes; lists of revoked certificates may be long. */
export const MAX_TLS_FILE = 16 * 1024 * 1024;

/** What is wrong or doubtful about a file. */
export interface FileFinding {
  /** The key in the configuration that names the file. */
  readonly part: "cert" | "key" | "ocsp" | "ca" | "crl";
  /** Position in the list, for `ca` and `crl`. */
  readonly index?: number;
  /** Absolute. */
  readonly file: string;
  readonly message: string;
}

/** What the files hold; `value` is undefined when there are errors. */
export interface Loaded<Value> {
  readonly value?: Value;
  readonly errors: readonly FileFinding[];
  readonly warnings: readonly FileFinding[];
}

export interface LoadedPair {
  readonly pair: InspectedPair;
  /** Content of the OCSP file, not looked at yet; null without one, or when it could not be read. */
  readonly ocsp: Buffer | null;
}

/** PEM texts, one per file. */
export interface LoadedAuthorities {
  readonly ca: readonly string[];
  readonly crl: readonly string[];
}

/** Reads a certificate and its key, and says what is wrong with them. `now` is ms since 1970. Never rejects. */
export async function loadPair({ cert, key, ocsp }: PairNeed, now: number): Promise<Loaded<LoadedPair>> {
  const errors: FileFinding[] = [];
  const warnings: FileFinding[] = [];
  const files = { cert, key, ocsp };
  const read = async (part: "cert" | "key" | "ocsp", to: FileFinding[]): Promise<ReadFile | undefined> => {
    const file = files[part];
    if (file === undefined) return undefined;
    try {
      return await readLimited(file, MAX_TLS_FILE);
    } catch (error) {
      to.push({ part, file, message: `${file} cannot be read: ${fileReason(error)}` });
      return undefined;
    }
  };
  const certFile = await read("cert", errors);
  const keyFile = await read("key", errors);
  // Without a response the certificate is as good as one that has none.
  const ocspFile = await read("ocsp", warnings);
  if (certFile === undefined || keyFile === undefined) return { errors, warnings };
  const result = inspectPair(certFile.data.toString("latin1"), keyFile.data.toString("latin1"));
  if ("reason" in result) {
    const { part, reason } = result;
    return { errors: [{ part, file: files[part], message: `${files[part]}: ${reason}` }], warnings };
  }
  const warn = (message: string) => warnings.push({ part: "cert", file: cert, message: `${cert}: ${message}` });
  for (const warning of result.warnings) warn(warning);
  const dates = dateProblem(result.pair, now);
  if (dates !== undefined) warn(dates);
  if ((keyFile.mode & 0o006) !== 0) {
    const mode = keyFile.mode.toString(8).padStart(4, "0");
    warnings.push({
      part: "key",
      file: key,
      message: `${key}: the private key is open to every user of this machine (mode ${mode}); chmod 600`,
    });
  }
  return { value: { pair: result.pair, ocsp: ocspFile?.data ?? null }, errors, warnings };
}

/** Reads certificates of authorities and lists of revoked ones. `now` is ms since 1970. Never rejects. */
export async function loadAuthorities({ ca, crl }: AuthoritiesNeed, now: number): Promise<Loaded<LoadedAuthorities>> {
  const errors: FileFinding[] = [];
  const warnings: FileFinding[] = [];
  const readAll = async (
    part: "ca" | "crl",
    files: readonly string[],
    inspect: (text: string) => AuthoritiesResult,
  ): Promise<string[]> => {
    const texts: string[] = [];
    for (const [index, file] of files.entries()) {
      const finding = (message: string) => ({ part, index, file, message });
      try {
        const { data } = await readLimited(file, MAX_TLS_FILE);
        const result = inspect(data.toString("latin1"));
        if ("reason" in result) errors.push(finding(`${file}: ${result.reason}`));
        else {
          texts.push(result.pem);
          for (const warning of result.warnings) warnings.push(finding(`${file}: ${warning}`));
        }
      } catch (error) {
        errors.push(finding(`${file} cannot be read: ${fileReason(error)}`));
      }
    }
    return texts;
  };
  const value = {
    ca: await readAll("ca", ca, (text) => inspectAuthorities(text, now)),
    crl: await readAll("crl", crl, inspectRevocations),
  };
  return errors.length === 0 ? { value, errors, warnings } : { errors, warnings };
}
