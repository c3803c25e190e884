import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  certificateFiles,
  DAY,
  TestAuthority,
  temporaryFolder,
  type Issued,
} from "../../../test/support/certificates.ts";
import { waitFor } from "../../../test/support/wait.ts";
import { normaliseConfig } from "../../config/normalise.ts";
import type { Config } from "../../config/schema.ts";
import { algorithms } from "../../core/balancing/registry.ts";
import { ManagerFixture, MemoryStorage } from "./certificates.fixture.ts";

let root: TestAuthority;
let one: Issued;
let two: Issued;
let folder: string;
let fixture: ManagerFixture;
beforeAll(async () => {
  root = await TestAuthority.create();
  one = await root.issue({ names: ["a.test"] });
  two = await root.issue({ names: ["a.test", "b.test"] });
});
beforeEach(() => {
  folder = temporaryFolder();
  fixture = new ManagerFixture();
});
afterEach(() => fixture.manager.close());

function config(listeners: Record<string, object>, upstream: object = {}): Config {
  const input = {
    admin: "off",
    listeners: Object.fromEntries(
      Object.entries(listeners).map(([name, tls]) => [name, { listen: "127.0.0.1:0", pool: "p", tls }]),
    ),
    pools: { p: { servers: ["127.0.0.1:1"], upstream } },
  };
  const { config: made, problems } = normaliseConfig(input, { extensions: { algorithms, filters: [] } });
  if (made === undefined) throw new Error(problems.map(({ message }) => message).join("\n"));
  return made;
}

async function use(next: Config): Promise<void> {
  await fixture.manager.prepare(next, folder);
  await fixture.manager.settle();
}

const acmeFor = (names: object) => ({ acme: { agreeToTerms: true, ...names } });
const web = (...certificates: { cert: string; key: string }[]) => config({ web: { certificates } });
const shown = () => fixture.material.certificates.map(({ id, names }) => `${id} ${names.join()}`);
const certificate = (name: string) => ({ cert: `${name}.crt`, key: `${name}.key` });

/** Waits until the workers have another material than the given number. */
async function another(count: number): Promise<void> {
  await waitFor("another material", () => fixture.given.length > count, 2_000);
}

describe("files of the configuration", () => {
  it("reach the workers before the configuration is used, and stay while the next one is tried", async () => {
    certificateFiles(one, folder, "one");
    certificateFiles(two, folder, "two");
    await fixture.manager.prepare(web(certificate("one")), folder);
    expect(fixture.material).toMatchObject({
      version: 1,
      certificates: [
        { id: `file:${folder}/one.crt`, listeners: ["web"], names: ["a.test"], keyType: "ecdsa", ocsp: null },
      ],
    });
    expect(fixture.material.ticketKeys["web"]![0]!.length).toBe(48);
    await fixture.manager.settle();
    expect(fixture.given.length).toBe(1);

    // Another listener comes and the first one goes: both work until it is settled.
    const next = config({ other: { certificates: [certificate("two")] } });
    await fixture.manager.prepare(next, folder);
    expect(fixture.material.certificates.map(({ listeners }) => listeners)).toEqual([["other"], ["web"]]);
    await fixture.manager.revert();
    expect(shown()).toEqual([`file:${folder}/one.crt a.test`]);
    await use(next);
    expect(shown()).toEqual([`file:${folder}/two.crt a.test,b.test`]);
    expect(Object.keys(fixture.material.ticketKeys)).toEqual(["other"]);
  });

  it("are shared by listeners with the same list; others keep their order", async () => {
    certificateFiles(one, folder, "one");
    certificateFiles(two, folder, "two");
    const [a, b] = [certificate("one"), certificate("two")];
    await use(config({ x: { certificates: [a, b] }, y: { certificates: [b, a] }, z: { certificates: [a, b] } }));
    const lists = fixture.material.certificates.map(({ id, listeners }) => [basename(id), ...listeners!]);
    expect(lists).toEqual([
      ["one.crt", "x", "z"],
      ["two.crt", "x", "z"],
      ["two.crt", "y"],
      ["one.crt", "y"],
    ]);
  });

  it("are authorities, lists of revoked certificates and what servers are shown, too", async () => {
    certificateFiles(one, folder, "one");
    writeFileSync(join(folder, "crl.pem"), await root.crl([one.serial]));
    const clientCertificates = { ca: "one-ca.crt", crl: "crl.pem" };
    const upstream = { tls: { ca: "one-ca.crt", ...certificate("one") } };
    await use(config({ web: { certificates: [certificate("one")], clientCertificates } }, upstream));
    const { clientAuthorities, pools } = fixture.material;
    expect(clientAuthorities["web"]!.ca[0]).toBe(root.pem.trim() + "\n");
    expect(clientAuthorities["web"]!.crl[0]).toContain("BEGIN X509 CRL");
    expect(pools["p"]).toMatchObject({ cert: fixture.material.certificates[0]!.chain, ca: [root.pem.trim() + "\n"] });
  });

  it("that cannot be used keep a configuration from being used", async () => {
    certificateFiles(one, folder, "one");
    await use(web(certificate("one")));
    writeFileSync(join(folder, "two.crt"), two.chain);
    await expect(fixture.manager.prepare(web(certificate("two")), folder)).rejects.toThrow(
      `listeners.web.tls.certificates[0].key: ${folder}/two.key cannot be read: there is no such file`,
    );
    writeFileSync(join(folder, "two.key"), one.key);
    await expect(fixture.manager.prepare(web(certificate("two")), folder)).rejects.toThrow(
      `${folder}/two.key: the private key does not belong to the certificate`,
    );
    expect(shown()).toEqual([`file:${folder}/one.crt a.test`]);
  });
});

describe("a change of files", () => {
  it("is in use within two seconds when both are written, a moment apart", async () => {
    certificateFiles(one, folder, "one");
    await use(web(certificate("one")));
    writeFileSync(join(folder, "one.crt"), two.chain);
    // Seen while they do not fit: what was there stays.
    await waitFor("the mismatch", () => fixture.manager.problems().length > 0, 2_000);
    expect(fixture.manager.problems()).toEqual([
      `${folder}/one.key: the private key does not belong to the certificate`,
    ]);
    expect(fixture.given.length).toBe(1);
    expect(fixture.manager.entries()[0]).toMatchObject({ pair: { names: ["a.test"] } });
    writeFileSync(join(folder, "one.key"), two.key);
    await another(1);
    expect(shown()).toEqual([`file:${folder}/one.crt a.test,b.test`]);
    expect(fixture.manager.problems()).toEqual([]);
    expect(fixture.events.map(({ what }) => what)).toEqual(["certificate_replaced"]);
    expect(fixture.log.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  it("is seen when other files take their place, and when a link on the way is switched", async () => {
    // As Kubernetes does: files are links into `..data`, which is a link to a folder and replaced by rename.
    const version = (name: string, issued: Issued) => {
      mkdirSync(join(folder, name));
      certificateFiles(issued, join(folder, name), "tls");
      symlinkSync(name, join(folder, "..new"));
      renameSync(join(folder, "..new"), join(folder, "..data"));
    };
    version("..1", one);
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(`..data/${name}`, join(folder, name));
    symlinkSync(folder, `${folder}-link`);
    // The path goes over another link, whose folder is not watched.
    await use(web({ cert: `${folder}-link/tls.crt`, key: `${folder}-link/tls.key` }));
    version("..2", two);
    await another(1);
    expect(shown()[0]).toMatch(/ a.test,b.test$/);

    const files = certificateFiles(one, folder, "new");
    renameSync(files.cert, join(folder, "..2", "tls.crt"));
    renameSync(files.key, join(folder, "..2", "tls.key"));
    await another(2);
    expect(shown()[0]).toMatch(/ a.test$/);

    const moved = temporaryFolder();
    certificateFiles(two, moved, "tls");
    rmSync(`${folder}-link`);
    symlinkSync(moved, `${folder}-link`);
    await another(3);
    expect(shown()[0]).toMatch(/ a.test,b.test$/);
    rmSync(`${folder}-link`);
  });

  it("to something bad leaves what was there, and is said once", async () => {
    certificateFiles(one, folder, "one");
    await use(web(certificate("one")));
    writeFileSync(join(folder, "one.crt"), "nonsense");
    await waitFor("the complaint", () => fixture.events.length > 0);
    const complaint = { certificate: `file:${folder}/one.crt`, what: "certificate_unusable" };
    expect(fixture.events).toMatchObject([complaint]);
    expect(fixture.events[0]!.reason).toMatch(/there is no certificate in it.*; what was read before stays in use$/);
    expect(shown()).toEqual([`file:${folder}/one.crt a.test`]);
    // A file that goes is as bad as nothing new.
    rmSync(join(folder, "one.crt"));
    await fixture.manager.refresh();
    expect(fixture.events.length).toBe(1);
    certificateFiles(two, folder, "one");
    await another(1);
    await waitFor("the relief", () => fixture.log.some((line) => line.endsWith("one.crt can be used again")));
  });
});

describe("the store", () => {
  it("adds, replaces and removes certificates of all listeners", async () => {
    certificateFiles(one, folder, "one");
    await use(web(certificate("one")));
    await fixture.manager.put("rest:shop", two.chain, two.key);
    expect(fixture.material.certificates.at(-1)).toMatchObject({ id: "rest:shop", listeners: null });
    await fixture.manager.put("rest:shop", one.chain, one.key);
    expect(fixture.manager.entries()[1]).toMatchObject({ id: "rest:shop", source: "rest", listeners: ["web"] });
    expect(await fixture.manager.remove("rest:shop")).toBe(true);
    expect(await fixture.manager.remove("rest:shop")).toBe(false);
    expect(fixture.events.map(({ what }) => what.slice("certificate_".length))).toEqual([
      "added",
      "replaced",
      "removed",
    ]);
    expect(shown().length).toBe(1);
  });

  it("keeps what it had when something new cannot be used or kept", async () => {
    await use(web());
    await fixture.manager.put("rest:a", one.chain, one.key);
    const put = (id: string, issued: Issued, key = issued.key) => fixture.manager.put(id, issued.chain, key);
    await expect(put("rest:a", one, two.key)).rejects.toThrow("does not belong");
    for (const id of ["rest:", "rest:../a", "rest:a/b", "rest:.a", "a", "file:x", `rest:${"a".repeat(129)}`]) {
      await expect(put(id, one)).rejects.toThrow("a name is");
    }
    fixture.storage.failure = Object.assign(new Error("full"), { code: "ENOSPC" });
    await expect(put("rest:a", two)).rejects.toThrow("full");
    await expect(fixture.manager.remove("rest:a")).rejects.toThrow("full");
    expect(shown()).toEqual(["rest:a a.test"]);
  });

  it("is read at the start; what is bad in it is left out", async () => {
    const storage = new MemoryStorage();
    storage.pairs.set("rest:good", { id: "rest:good", chain: one.chain, key: one.key });
    storage.pairs.set("rest:bad", { id: "rest:bad", chain: one.chain, key: two.key });
    fixture.manager.close();
    fixture = new ManagerFixture(storage);
    await fixture.manager.start();
    await use(web());
    expect(shown()).toEqual(["rest:good a.test"]);
    expect(fixture.log.join("\n")).toContain("certificate rest:bad of the store is left out: the private key does not");
    expect(fixture.events).toEqual([]);
  });

  it("shows those of ACME where they are assigned, and challenges when all workers have them", async () => {
    await use(web());
    const { acme } = fixture.manager;
    await acme.show({});
    await acme.put("acme:a.test~1", one);
    expect(fixture.material.certificates).toEqual([]);
    await acme.show({ "acme:a.test~1": ["web"] });
    expect(fixture.material.certificates).toMatchObject([{ id: "acme:a.test~1", listeners: ["web"] }]);
    expect(acme.list()).toMatchObject([{ id: "acme:a.test~1" }]);
    await acme.setChallenges({ http: { token: "answer" }, alpn: {} });
    expect(fixture.material.httpChallenges).toEqual({ token: "answer" });
    await acme.remove("acme:a.test~1");
    expect(fixture.material.certificates).toEqual([]);
  });
});

describe("certificates of ACME from an earlier run", () => {
  it("are shown by listeners that order for their names, until ACME says something else", async () => {
    for (const [id, issued] of [["acme:a.test~1", one] as const, ["acme:b.test~2", two] as const]) {
      fixture.storage.pairs.set(id, { id, chain: issued.chain, key: issued.key });
    }
    const next = config({ x: acmeFor({ domains: ["A.test"] }), y: acmeFor({ onDemand: ["b.test"] }), z: {} });
    await fixture.manager.start();
    await fixture.manager.prepare(next, folder);
    expect(fixture.material.certificates.map(({ id, listeners }) => [id, listeners])).toEqual([
      ["acme:a.test~1", ["x"]],
      ["acme:b.test~2", ["x", "y"]],
    ]);
    expect(fixture.material.onDemand).toEqual({ y: ["b.test"] });
    await fixture.manager.settle();
    await fixture.manager.acme.show({ "acme:a.test~1": ["x"] });
    expect(fixture.material.certificates.map(({ id }) => id)).toEqual(["acme:a.test~1"]);
    expect(fixture.manager.entries()).toMatchObject([{ listeners: ["x"] }, { listeners: [] }]);
  });
});

describe("time", () => {
  it("is told when a certificate comes to its end, and another one takes its place", async () => {
    const old = await root.issue({
      names: ["a.test"],
      notAfter: new Date(Date.now() + 10 * DAY),
      notBefore: new Date(Date.now() - 90 * DAY),
    });
    certificateFiles(old, folder, "old");
    certificateFiles(two, folder, "two");
    await use(web(certificate("old"), certificate("two")));
    expect(fixture.events).toMatchObject([{ certificate: `file:${folder}/old.crt`, what: "certificate_expiring" }]);
    expect(fixture.events[0]!.reason).toMatch(/^in 14 days or less: a\.test; until 20/);
    expect(shown().length).toBe(2);
    fixture.ahead = 11 * DAY;
    await waitFor("the end", () => fixture.events.length === 2, 3_000);
    expect(fixture.events[1]).toMatchObject({ what: "certificate_expired" });
    await waitFor("the replacement", () => shown().length === 1, 3_000);
    expect(shown()).toEqual([`file:${folder}/two.crt a.test,b.test`]);
    expect(fixture.manager.entries().length).toBe(2);
  });

  it("brings new ticket keys", async () => {
    await use(config({ web: { sessionTickets: { rotation: "1h" } } }));
    const [before] = fixture.material.ticketKeys["web"]!;
    fixture.ahead = 3_600_000;
    await waitFor("new keys", () => fixture.material.ticketKeys["web"]!.length === 2, 3_000);
    expect(fixture.material.ticketKeys["web"]![1]).toEqual(before);
  });
});
