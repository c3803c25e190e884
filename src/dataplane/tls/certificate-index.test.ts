import { describe, expect, it } from "vitest";
import type { CertificateMaterial } from "../../config/tls-material.ts";
import type { ClientHello } from "../../tls/client-hello.ts";
import { CertificateIndex, matchesName } from "./certificate-index.ts";
import { chooseByKey } from "./key-choice.ts";

const certificate = (
  id: string,
  names: string[],
  listeners: string[] | null = ["web"],
  keyType: CertificateMaterial["keyType"] = "ecdsa",
): CertificateMaterial => ({ id, fingerprint: id, listeners, names, keyType, chain: "", key: "", ocsp: null });
const ids = (found: readonly CertificateMaterial[] | null | undefined) => found?.map(({ id }) => id);

describe("certificates by name", () => {
  it("exact before wildcard, own before shared", () => {
    const index = new CertificateIndex(
      [
        certificate("wild", ["*.a.test"]),
        certificate("sharedExact", ["x.a.test", "b.test"], null),
        certificate("sharedWild", ["*.a.test", "*.c.test"], null),
        certificate("exact", ["y.a.test", "b.test"]),
        certificate("elsewhere", ["z.test"], ["other"]),
      ],
      "web",
    );
    expect(ids(index.find("y.a.test"))).toEqual(["exact"]);
    expect(ids(index.find("x.a.test"))).toEqual(["sharedExact"]);
    expect(ids(index.find("w.a.test"))).toEqual(["wild"]);
    expect(ids(index.find("w.c.test"))).toEqual(["sharedWild"]);
    expect(ids(index.find("b.test"))).toEqual(["exact"]);
    for (const name of ["a.test", "v.w.a.test", "z.test", "", "test"]) expect(index.find(name)).toBe(undefined);
    expect([ids(index.byDefault), index.isEmpty]).toEqual([["wild"], false]);
  });

  it("several kinds of keys per name, each once", () => {
    const index = new CertificateIndex(
      [
        certificate("rsa", ["a.test", "b.test"], ["web"], "rsa"),
        certificate("ecdsa", ["a.test"]),
        certificate("later", ["a.test"]),
      ],
      "web",
    );
    expect(ids(index.find("a.test"))).toEqual(["rsa", "ecdsa"]);
    expect(ids(index.byDefault)).toEqual(["rsa", "ecdsa"]);
    expect(ids(index.find("b.test"))).toEqual(["rsa"]);
  });

  it("nothing is shown by default of what belongs to the whole node", () => {
    const index = new CertificateIndex([certificate("shared", ["a.test"], null)], "web");
    expect([index.byDefault, index.isEmpty]).toEqual([null, false]);
    expect(new CertificateIndex([certificate("elsewhere", ["a.test"], ["other"])], "web").isEmpty).toBe(true);
  });

  it("a wildcard is one label", () => {
    expect(matchesName("*.a.test", "b.a.test")).toBe(true);
    for (const name of ["a.test", "c.b.a.test", ".a.test", "ba.test"])
      expect(matchesName("*.a.test", name)).toBe(false);
  });
});

const hello = (changes: Partial<ClientHello>): ClientHello => ({
  serverName: "",
  alpn: [],
  versions: [0x0304, 0x0303],
  hasEncryptedHello: false,
  cipherSuites: [0x1301],
  signatureSchemes: [0x0804, 0x0403],
  ...changes,
});

describe("the key that a client can make use of", () => {
  const both = [certificate("rsa", [], null, "rsa"), certificate("ecdsa", [], null)];
  it.each([
    ["both in TLS 1.3", {}, "ecdsa"],
    ["RSA only", { signatureSchemes: [0x0804] }, "rsa"],
    ["no schemes", { signatureSchemes: [] }, "rsa"],
    ["TLS 1.2 with ECDSA", { versions: [0x0303], cipherSuites: [0xc02b] }, "ecdsa"],
    ["TLS 1.2 without ECDSA", { versions: [0x0303], cipherSuites: [0xc02f] }, "rsa"],
  ])("%s", (_name, changes, expected) => {
    expect(chooseByKey(both, hello(changes)).id).toBe(expected);
  });
});
