import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { DAY, TestAuthority, type Issued } from "../../../test/support/certificates.ts";
import { missing } from "../../../test/support/tools.ts";
import { dateProblem, inspectPair, type InspectedPair } from "./inspect-pair.ts";
import { certificateNames, covers } from "./names.ts";
import { pemBlocks } from "./pem.ts";

let root: TestAuthority;
let intermediate: TestAuthority;
let web: Issued;
let other: Issued;
beforeAll(async () => {
  root = await TestAuthority.create();
  intermediate = await root.intermediate();
  web = await intermediate.issue({ names: ["Shop.example.test", "*.example.test", "127.0.0.1", "::1"] });
  other = await root.issue({ names: ["other.test"] });
});

function good(cert: string, key: string): { pair: InspectedPair; warnings: readonly string[] } {
  const result = inspectPair(cert, key);
  if ("reason" in result) throw new Error(result.reason);
  return result;
}

function reason(cert: string, key: string): string {
  const result = inspectPair(cert, key);
  return "reason" in result ? `${result.part}: ${result.reason}` : "it is good";
}

/** Certificate and key in one text, as OpenSSL makes them of this kind of key. */
function make(...kind: string[]): string {
  const args = ["req", "-x509", "-newkey", ...kind, "-nodes", "-keyout", "-", "-subj", "/CN=weak.test"];
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

const names = (subjectAltName: string | undefined, subject = "CN=common.test") =>
  certificateNames({ subjectAltName, subject } as X509Certificate);

describe("a certificate with its key", () => {
  it("is read with names, kind of key, dates and issuer", () => {
    const { pair, warnings } = good(web.chain, web.key);
    expect(warnings).toEqual([]);
    expect(pair.names).toEqual(["shop.example.test", "*.example.test", "127.0.0.1", "::1"]);
    expect([pair.keyType, pair.keyStrength]).toEqual(["ecdsa", "ECDSA P-256"]);
    expect(pair.notAfter).toBe(Math.floor(web.x509.notAfter.getTime() / 1000) * 1000);
    expect(pair.issuer?.subject).toContain("CN=Test Intermediate");
    expect(pemBlocks(pair.chain).length).toBe(2);
  });

  it.each([
    ["rsa", "RSA 2048"],
    ["ed25519", "Ed25519"],
  ] as const)("may have a key of the kind %s", async (keyType, strength) => {
    const issued = await root.issue({ names: ["a.test"], keyType });
    expect(good(issued.chain, issued.key).pair).toMatchObject({ keyType, keyStrength: strength });
  });

  it("has another fingerprint when certificate, chain or key is another one", () => {
    const fingerprint = good(web.chain, web.key).pair.fingerprint;
    expect(good(web.chain, web.key).pair.fingerprint).toBe(fingerprint);
    expect(good(web.certificate, web.key).pair.fingerprint).not.toBe(fingerprint);
    expect(good(other.chain, other.key).pair.fingerprint).not.toBe(fingerprint);
  });

  it("is put in order when only that is wrong, and says so", () => {
    const shuffled = good(intermediate.pem + web.certificate, web.key);
    expect(shuffled.pair.chain).toBe(good(web.chain, web.key).pair.chain);
    expect(shuffled.warnings).toEqual(["its certificates are in the wrong order; they are sent in the right one"]);
  });

  it("loses a root and certificates that belong to nobody, and says so", () => {
    const { pair, warnings } = good(web.chain + root.pem + other.certificate, web.key);
    expect(pair.chain).toBe(good(web.chain, web.key).pair.chain);
    expect(warnings).toEqual([
      "1 of its certificates do not belong to the chain and are left out",
      "it contains the root, which clients do not need; it is left out",
    ]);
    // Without an intermediate one, the root still is the issuer whom OCSP needs.
    expect(good(other.certificate + root.pem, other.key).pair.issuer?.subject).toContain("CN=Test Root");
  });

  it("may be one file with both, with text around and line ends of Windows", () => {
    const text = `Bag Attributes\n${web.key}subject=/CN=x\n${web.chain}`.replaceAll("\n", "\r\n");
    expect(good(text, text).pair.fingerprint).toBe(good(web.chain, web.key).pair.fingerprint);
  });

  it("is refused with the reason", () => {
    expect(reason(web.chain, other.key)).toBe("key: the private key does not belong to the certificate");
    expect(reason("", web.key)).toMatch(/^cert: there is no certificate in it/);
    expect(reason(web.chain, "")).toMatch(/^key: there is no private key in it/);
    expect(reason(web.chain, web.chain)).toMatch(/^key: there is no private key in it/);
    const cut = web.certificate.replace(/.{64}\n(?=.*\n-----END)/, "");
    expect(reason(cut, web.key)).toBe("cert: certificate 1 in it cannot be decoded");
    expect(reason(web.certificate.repeat(17), web.key)).toMatch(/^cert: it has 17 certificates/);
    const damaged = web.key.replace(/\n.{20}/, "\nAAAAAAAAAAAAAAAAAAAA");
    expect(reason(web.chain, damaged)).toBe("key: the private key cannot be decoded");
  });

  it("is refused when the key is encrypted, in both formats", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const cipher = { cipher: "aes-256-cbc", passphrase: "secret" };
    const encrypted = [
      privateKey.export({ type: "pkcs8", format: "pem", ...cipher }) as string,
      privateKey.export({ type: "pkcs1", format: "pem", ...cipher }) as string,
    ];
    for (const key of encrypted) expect(reason(web.chain, key)).toMatch(/^key: the private key is encrypted/);
  });

  it.skipIf(missing("openssl", "weak keys"))(
    "is refused when the key is too weak or of a kind that TLS does not use",
    () => {
      const weak = make("rsa:1024");
      expect(reason(weak, weak)).toBe("key: the RSA key has 1024 bits; 2048 are needed at least");
      const strange = make("ec", "-pkeyopt", "ec_paramgen_curve:secp256k1");
      expect(reason(strange, strange)).toBe("key: keys on the curve secp256k1 are not used in TLS");
      const old = make("rsa:2048");
      expect(good(old, old).pair.names).toEqual(["weak.test"]);
      expect(good(old, old).warnings).toEqual(["it has no subjectAltName: most clients refuse it"]);
    },
  );

  it("never says anything of the key", () => {
    const body = web.key.split("\n")[1]!;
    const wrong = web.key.replace(body, `${body.slice(0, 30)}!${body.slice(31)}`);
    for (const key of [wrong, other.key, `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`]) {
      expect(reason(web.chain, key)).not.toContain(body.slice(0, 16));
    }
  });

  it("has dates that are good, to come, or over", () => {
    const { pair } = good(web.chain, web.key);
    expect(dateProblem(pair, Date.now())).toBeUndefined();
    expect(dateProblem(pair, pair.notBefore - 1)).toMatch(/^it is not valid before 20/);
    expect(dateProblem(pair, Date.now() + 91 * DAY)).toMatch(/^it expired at 20/);
  });
});

describe("names", () => {
  it("are those of subjectAltName that TLS can ask for", () => {
    expect(names('DNS:A.test, DNS:"b.test, DNS:evil.test", URI:http://c.test, DNS:*.d.test, email:x@y')).toEqual([
      "a.test",
      "*.d.test",
    ]);
    expect(names("IP Address:10.0.0.1, IP Address:FE80:0:0:0:0:0:0:1, DNS:a b")).toEqual(["10.0.0.1", "fe80::1"]);
    expect(names("email:x@y.test")).toEqual([]);
    expect(names(undefined)).toEqual(["common.test"]);
    expect(names(undefined, "O=Nobody")).toEqual([]);
  });

  it("cover other names by a wildcard of one label", () => {
    expect(covers("*.a.test", "b.a.test")).toBe(true);
    for (const name of ["a.test", "c.b.a.test", ".a.test", "b.a.testx"]) expect(covers("*.a.test", name)).toBe(false);
    expect(covers("a.test", "a.test")).toBe(true);
  });
});
