import { createPrivateKey, X509Certificate } from "node:crypto";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { certificateFiles, temporaryFolder, TestAuthority, type TestKeyType } from "./certificates.ts";

it.each<TestKeyType>(["ecdsa", "rsa", "ed25519"])("issues %s certificates that openssl verifies", async (keyType) => {
  const root = await TestAuthority.create("Root", keyType);
  const middle = await root.intermediate();
  const web = await middle.issue({
    names: ["example.test", "*.example.test", "127.0.0.1"],
    keyType,
    ocsp: "http://o/",
  });
  const parsed = new X509Certificate(web.certificate);
  expect(parsed.checkPrivateKey(createPrivateKey(web.key))).toBe(true);
  expect(parsed.subjectAltName).toBe("DNS:example.test, DNS:*.example.test, IP Address:127.0.0.1");
  expect(parsed.infoAccess).toContain("OCSP - URI:http://o/");
  const { cert, ca } = certificateFiles(web);
  const output = execFileSync("openssl", ["verify", "-x509_strict", "-CAfile", ca, "-untrusted", cert, cert]);
  expect(String(output)).toContain(": OK");
});

it("revokes what it has issued", async () => {
  const root = await TestAuthority.create();
  const client = await root.issue({ subject: "alice", client: true });
  const { cert, ca } = certificateFiles(client);
  const crl = join(temporaryFolder(), "list.crl");
  const verify = () =>
    execFileSync("openssl", ["verify", "-crl_check", "-CRLfile", crl, "-CAfile", ca, cert], { stdio: "pipe" });
  writeFileSync(crl, await root.crl([]));
  expect(String(verify())).toContain(": OK");
  writeFileSync(crl, await root.crl([client.serial]));
  expect(verify).toThrow(/certificate revoked/);
});
