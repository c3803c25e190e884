import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Issued, TestAuthority } from "../../../../test/support/certificates.ts";
import { temporaryFolder } from "../../../../test/support/certificates.ts";

/** What the responder says, as OpenSSL's list of certificates has it. */
export interface Answer {
  readonly status?: "good" | "revoked" | "unknown";
  /** Until `nextUpdate`; absent when 0. */
  readonly minutes?: number;
  /** PEM of certificate and key that sign instead of the authority. */
  readonly signer?: { readonly certificate: string; readonly key: string };
}

/** An OCSP responder made of OpenSSL's command: it shares no code with what it tests. */
export class TestResponder {
  readonly #folder = temporaryFolder();
  readonly #authority: TestAuthority;

  private constructor(authority: TestAuthority, key: string) {
    this.#authority = authority;
    this.#write("ca.pem", authority.pem);
    this.#write("ca.key", key);
  }

  static async of(authority: TestAuthority): Promise<TestResponder> {
    return new TestResponder(authority, await authority.keyPem);
  }

  /** Answers a request about a certificate that the authority has issued. */
  answer(request: Buffer, issued: Issued, { status = "good", minutes = 60, signer }: Answer = {}): Buffer {
    const expires = "391231235959Z";
    const serial = issued.serial.toUpperCase();
    const [flag, revoked] = status === "revoked" ? ["R", "250101000000Z"] : ["V", ""];
    this.#write(
      "index.txt",
      status === "unknown" ? "" : `${flag}\t${expires}\t${revoked}\t${serial}\tunknown\t/CN=x\n`,
    );
    this.#write("request.der", request);
    if (signer !== undefined) {
      this.#write("signer.pem", signer.certificate);
      this.#write("signer.key", signer.key);
    }
    const by = signer === undefined ? "ca" : "signer";
    const args = ["ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", `${by}.pem`, "-rkey", `${by}.key`];
    const life = minutes === 0 ? [] : ["-nmin", String(minutes)];
    // What stands beside the signed part, such as certificates, may be changed by anybody without any harm.
    const certificates = signer === undefined ? ["-resp_no_certs"] : [];
    const files = ["-reqin", "request.der", "-respout", "response.der"];
    execFileSync("openssl", [...args, ...certificates, ...life, ...files], { cwd: this.#folder, stdio: "ignore" });
    return execFileSync("cat", [join(this.#folder, "response.der")]);
  }

  /** A certificate by which the authority lets another key sign responses; without `purpose` it may not. */
  delegate(purpose = true): { certificate: string; key: string } {
    const openssl = (...args: string[]) =>
      execFileSync("openssl", args, { cwd: this.#folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const extension = purpose ? ["-addext", "extendedKeyUsage=OCSPSigning"] : [];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "delegate.key"];
    const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-days", "10", "-subj", "/CN=Responder"];
    const certificate = openssl("req", "-x509", ...key, ...issuer, ...extension);
    return { certificate, key: openssl("pkey", "-in", "delegate.key") };
  }

  get authority(): TestAuthority {
    return this.#authority;
  }

  #write(name: string, content: string | Buffer): void {
    writeFileSync(join(this.#folder, name), content);
  }
}
