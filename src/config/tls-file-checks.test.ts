import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { certificateFiles, DAY, TestAuthority, temporaryFolder, type Issued } from "../../test/support/certificates.ts";
import { algorithms } from "../core/balancing/registry.ts";
import { loadConfig } from "./load.ts";
import { formatProblem } from "./problem.ts";

let root: TestAuthority;
let issued: Issued;
let folder: string;
beforeAll(async () => {
  root = await TestAuthority.create();
  issued = await root.issue({ names: ["a.test"] });
});
beforeEach(() => {
  folder = temporaryFolder();
  certificateFiles(issued, folder, "a");
});

/** Problems of a configuration whose listener has this `tls` from line 6 on. */
async function problems(tls: string, upstream = "{}"): Promise<{ good: boolean; said: string[] }> {
  const text = `admin: off
listeners:
  web:
    listen: 127.0.0.1:0
    pool: p
    tls: ${tls}
pools:
  p: { servers: [ 127.0.0.1:1 ], upstream: ${upstream} }
`;
  writeFileSync(join(folder, "evenkeel.yaml"), text);
  const loaded = await loadConfig({ cwd: folder, env: {}, extensions: { algorithms, filters: [] } });
  return { good: loaded.config !== undefined, said: loaded.problems.map(formatProblem) };
}

const bad = async (tls: string, upstream?: string) => {
  const { good, said } = await problems(tls, upstream);
  expect(good).toBe(false);
  return said.map((line) => line.replaceAll(folder, "DIR"));
};

describe("files that a configuration names for TLS", () => {
  it("may be relative to it", async () => {
    expect(await problems("{ certificates: [ { cert: a.crt, key: a.key } ] }")).toEqual({ good: true, said: [] });
  });

  it("are reported with the place where they are named", async () => {
    mkdirSync(join(folder, "folder"));
    writeFileSync(join(folder, "empty"), "");
    writeFileSync(join(folder, "other.key"), (await root.issue()).key);
    const tls = `
      certificates:
        - { cert: a.crt, key: none.key }
        - { cert: folder, key: a.key }
        - cert: a-ca.crt
          key: other.key
      clientCertificates: { ca: [ a-ca.crt, empty ], crl: a.crt }`;
    expect(await bad(tls, "{ tls: { ca: empty, cert: a.crt, key: other.key } }")).toEqual([
      "evenkeel.yaml:8:31: listeners.web.tls.certificates[0].key: DIR/none.key cannot be read: there is no such file or directory",
      "evenkeel.yaml:9:19: listeners.web.tls.certificates[1].cert: DIR/folder cannot be read: it is a directory",
      "evenkeel.yaml:11:16: listeners.web.tls.certificates[2].key: DIR/other.key: the private key does not belong to the certificate",
      "evenkeel.yaml:12:45: listeners.web.tls.clientCertificates.ca[1]: DIR/empty: there is no certificate in it: PEM with BEGIN CERTIFICATE is expected",
      "evenkeel.yaml:12:59: listeners.web.tls.clientCertificates.crl[0]: DIR/a.crt: there is no list in it: PEM with BEGIN X509 CRL is expected",
      "evenkeel.yaml:14:57: pools.p.upstream.tls.ca[0]: DIR/empty: there is no certificate in it: PEM with BEGIN CERTIFICATE is expected",
      "evenkeel.yaml:14:82: pools.p.upstream.tls.key: DIR/other.key: the private key does not belong to the certificate",
    ]);
  });

  it("may be doubtful and still be used", async () => {
    const old = await root.issue({ names: ["a.test"], notBefore: new Date(0), notAfter: new Date(Date.now() - DAY) });
    certificateFiles(old, folder, "old");
    chmodSync(join(folder, "old.key"), 0o644);
    const { good, said } = await problems(
      "{ certificates: [ { cert: old.crt, key: old.key, ocsp: none }, { cert: a.crt, key: a.key } ] }",
    );
    expect(good).toBe(true);
    expect(said.map((line) => line.replace(/^.*?warning: listeners\.web\.tls\.certificates\[0\]\./, ""))).toEqual([
      expect.stringMatching(/^cert: .*old\.crt: it expired at 20/),
      expect.stringMatching(
        /^key: .*: the private key is open to every user of this machine \(mode 0644\); chmod 600$/,
      ),
      expect.stringMatching(/^ocsp: .*none cannot be read: there is no such file or directory$/),
    ]);
  });

  it("cannot be kept where another file is", async () => {
    const lines = ["listeners: { web: { listen: 127.0.0.1:0, pool: p } }", "pools: { p: { servers: [127.0.0.1:1] } }"];
    const store = async (path: string) => {
      writeFileSync(join(folder, "evenkeel.yaml"), [...lines, `certificateStore: ${path}`].join("\n"));
      const loaded = await loadConfig({ cwd: folder, env: {}, extensions: { algorithms, filters: [] } });
      return loaded.problems.map(formatProblem);
    };
    const message = "certificateStore: not a directory: certificates by ACME and over REST cannot be kept there";
    expect(await store("a.crt")).toEqual([`evenkeel.yaml:3:19: ${message}`]);
    expect(await store("a.crt/below")).toEqual([`evenkeel.yaml:3:19: ${message}`]);
    expect(await store("not/there/yet")).toEqual([]);
    expect(await store(".")).toEqual([]);
  });

  it("are looked at when everything else is right", async () => {
    expect(await bad("{ certificates: [ { cert: none, key: none } ], minVersion: SSLv3 }")).toEqual([
      expect.stringContaining("minVersion"),
    ]);
  });
});

describe("other settings", () => {
  it("are reported where they mean nothing or contradict each other", async () => {
    const certificates = "certificates: [ { cert: a.crt, key: a.key } ]";
    expect(await bad(`{ ${certificates}, ciphers: nonsense }`)).toEqual([
      "evenkeel.yaml:6:68: listeners.web.tls.ciphers: OpenSSL knows no cipher suite in it; an example: ECDHE+AESGCM:ECDHE+CHACHA20",
    ]);
    expect(await bad("{ certificates: [ { cert: a.crt, key: a.key }, { cert: a.crt, key: a.key } ] }")).toEqual([
      "evenkeel.yaml:6:65: listeners.web.tls.certificates[1].cert: the same file as certificates[0]",
    ]);
    const doubtful = await problems("{ minVersion: TLSv1.3, ciphers: ECDHE+AESGCM }");
    expect(doubtful.good).toBe(true);
    expect(doubtful.said.join("\n")).toContain("only those that are added over REST are shown");
    expect(doubtful.said.join("\n")).toContain("`minVersion` leaves no TLS 1.2");
  });
});
