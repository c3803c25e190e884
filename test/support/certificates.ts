// The library's own dependency asks for it, and does not bring it in itself.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { atEnd } from "./cleanup.ts";

/*
 * Certificates for tests, made when they run: no private key is ever in the repository.
 *
 *   const ca = await TestAuthority.create();
 *   const web = await ca.issue({ names: ["example.test", "*.example.test"] });
 *   const { cert, key, ca } = certificateFiles(web);
 */

type CryptoKey = webcrypto.CryptoKey;
type CryptoKeyPair = webcrypto.CryptoKeyPair;

x509.cryptoProvider.set(webcrypto);

export type TestKeyType = "ecdsa" | "rsa" | "ed25519";

const algorithms = {
  ecdsa: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  rsa: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  ed25519: { name: "Ed25519" },
} as const;

/** Milliseconds of a day. */
export const DAY = 86_400_000;

export interface IssueOptions {
  /** Names and IP addresses for subjectAltName; a wildcard is `*.example.test`. */
  readonly names?: readonly string[];
  /** The subject's common name; the first name when absent. */
  readonly subject?: string;
  readonly keyType?: TestKeyType;
  /** Validity; from an hour ago for 90 days when absent. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** For a client instead of a server. */
  readonly client?: boolean;
  /** URL of an OCSP responder, for the extension authorityInfoAccess. */
  readonly ocsp?: string;
  /** With the extension by which a certificate demands a stapled OCSP response (RFC 7633). */
  readonly mustStaple?: boolean;
}

/** A certificate with its key. */
export interface Issued {
  /** PEM: the certificate alone. */
  readonly certificate: string;
  /** PEM: the certificate and the intermediate ones, without the root. */
  readonly chain: string;
  /** PEM (PKCS #8). */
  readonly key: string;
  /** PEM: the root that it leads to. */
  readonly root: string;
  /** Hexadecimal. */
  readonly serial: string;
  readonly x509: x509.X509Certificate;
}

/** A certificate authority: a root, or an intermediate one under another. */
export class TestAuthority {
  readonly x509: x509.X509Certificate;
  readonly keys: CryptoKeyPair;
  readonly parent: TestAuthority | null;

  private constructor(certificate: x509.X509Certificate, keys: CryptoKeyPair, parent: TestAuthority | null) {
    this.x509 = certificate;
    this.keys = keys;
    this.parent = parent;
  }

  /** A root of its own. */
  static async create(name = "Test Root", keyType: TestKeyType = "ecdsa"): Promise<TestAuthority> {
    const keys = await makeKeys(keyType);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}, O=Evenkeel Tests`,
      keys,
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + 3650 * DAY),
      signingAlgorithm: signing(keys),
      extensions: [
        ...authorityExtensions(),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    });
    return new TestAuthority(certificate, keys, null);
  }

  /** PEM of the authority's own certificate. */
  get pem(): string {
    return this.x509.toString("pem") + "\n";
  }

  get root(): TestAuthority {
    return this.parent?.root ?? this;
  }

  /** PEM: this authority and those above it, without the root. */
  get #intermediates(): string {
    return this.parent === null ? "" : this.pem + this.parent.#intermediates;
  }

  /** PEM of the private key, for tools that sign by themselves (OCSP responses). */
  get keyPem(): Promise<string> {
    return pemOfKey(this.keys.privateKey);
  }

  /** An authority whose certificate this one has issued. */
  async intermediate(name = "Test Intermediate", keyType: TestKeyType = "ecdsa"): Promise<TestAuthority> {
    const keys = await makeKeys(keyType);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}, O=Evenkeel Tests`,
      issuer: this.x509.subject,
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      signingAlgorithm: signing(this.keys),
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + 3650 * DAY),
      extensions: [...authorityExtensions(), ...(await this.#identifiers(keys))],
    });
    return new TestAuthority(certificate, keys, this);
  }

  /** A certificate for a server, or for a client. */
  async issue(options: IssueOptions = {}): Promise<Issued> {
    const { names = [], keyType = "ecdsa", client = false } = options;
    const keys = await makeKeys(keyType);
    const extensions: x509.Extension[] = [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[client ? "clientAuth" : "serverAuth"]]),
      ...(await this.#identifiers(keys)),
    ];
    if (names.length > 0)
      extensions.push(
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? ("ip" as const) : ("dns" as const), value })),
        ),
      );
    if (options.ocsp !== undefined) extensions.push(new x509.AuthorityInfoAccessExtension({ ocsp: [options.ocsp] }));
    // TLSFeature: SEQUENCE { INTEGER 5 }, status_request.
    if (options.mustStaple === true)
      extensions.push(new x509.Extension("1.3.6.1.5.5.7.1.24", false, new Uint8Array([0x30, 3, 2, 1, 5])));
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${options.subject ?? names[0] ?? "nobody"}`,
      issuer: this.x509.subject,
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      signingAlgorithm: signing(this.keys),
      notBefore: options.notBefore ?? new Date(Date.now() - DAY / 24),
      notAfter: options.notAfter ?? new Date(Date.now() + 90 * DAY),
      extensions,
    });
    const pem = certificate.toString("pem") + "\n";
    return {
      certificate: pem,
      chain: pem + this.#intermediates,
      key: await pemOfKey(keys.privateKey),
      root: this.root.pem,
      serial: certificate.serialNumber,
      x509: certificate,
    };
  }

  /** PEM: the list of these revoked serial numbers, good for 30 days; one of nobody is always among them. */
  async crl(serials: readonly string[]): Promise<string> {
    const list = await x509.X509CrlGenerator.create({
      issuer: this.x509.subject,
      thisUpdate: new Date(Date.now() - DAY / 24),
      nextUpdate: new Date(Date.now() + 30 * DAY),
      entries: ["7f00", ...serials].map((serialNumber) => ({
        serialNumber,
        revocationDate: new Date(Date.now() - DAY / 48),
      })),
      signingKey: this.keys.privateKey,
      signingAlgorithm: signing(this.keys),
    });
    // RFC 7468 section 6 has this label; OpenSSL reads no other.
    return list.toString("pem").replaceAll(" CRL-----", " X509 CRL-----") + "\n";
  }

  async #identifiers(keys: CryptoKeyPair): Promise<x509.Extension[]> {
    return [
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      await x509.AuthorityKeyIdentifierExtension.create(this.keys.publicKey, false, webcrypto),
    ];
  }
}

/** Paths of the files that hold a certificate's chain, its key, and its root. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Writes a certificate's files into a folder; without one into a new folder, removed when the test has ended. */
export function certificateFiles(issued: Issued, folder = temporaryFolder(), name = "server"): CertificateFiles {
  const files = {
    cert: join(folder, `${name}.crt`),
    key: join(folder, `${name}.key`),
    ca: join(folder, `${name}-ca.crt`),
  };
  writeFileSync(files.cert, issued.chain);
  writeFileSync(files.key, issued.key, { mode: 0o600 });
  writeFileSync(files.ca, issued.root);
  return files;
}

/** A new folder, removed when the test has ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-certificates-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function makeKeys(keyType: TestKeyType): Promise<CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(algorithms[keyType], true, ["sign", "verify"])) as CryptoKeyPair;
}

/** How a key signs. */
function signing(keys: CryptoKeyPair): { name: string; hash: string } {
  return { name: keys.privateKey.algorithm.name, hash: "SHA-256" };
}

async function pemOfKey(key: CryptoKey): Promise<string> {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${base64.match(/.{1,64}/g)!.join("\n")}\n-----END PRIVATE KEY-----\n`;
}

function authorityExtensions(): x509.Extension[] {
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags;
  return [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(keyCertSign | cRLSign | digitalSignature, true),
  ];
}
