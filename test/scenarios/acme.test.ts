import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acmeEntries, acmeSettings, shownCertificate, waitForCertificates } from "../support/acme.ts";
import { temporaryFolder } from "../support/certificates.ts";
import { startEvenkeel } from "../support/evenkeel.ts";
import { freePort, startNodeOrigin } from "../support/origins.ts";
import { startPebble, type Pebble } from "../support/pebble.ts";
import { exchange } from "../support/raw-client.ts";
import { missing } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const TIMEOUT = 90_000;
const withoutPebble = missing("pebble", "ACME against pebble");

/** A listener `web` with these ACME settings, and others. */
function config(pebble: Pebble, acme: object, more: { port?: number; others?: object; top?: object } = {}) {
  const listen = `127.0.0.1:${more.port ?? 0}`;
  return {
    workers: 2,
    listeners: { web: { listen, routes: [], tls: { acme: acmeSettings(pebble, { ...acme }) } }, ...more.others },
    ...more.top,
  };
}

/** Orders that pebble has got. */
const orders = (pebble: Pebble) => pebble.count(/ \/order-plz -> /);

describe.skipIf(withoutPebble)("ACME, with 30 % of the nonces refused", () => {
  it(
    "orders a wildcard by dns-01 and removes the records",
    async () => {
      const pebble = await startPebble();
      const acme = { domains: ["example.test", "*.example.test"], challenge: "dns-01", dnsHook: pebble.dnsHook };
      const evenkeel = await startEvenkeel({ config: config(pebble, acme) });
      const [entry] = await waitForCertificates(evenkeel);
      const root = await pebble.root();
      for (const name of ["example.test", "www.example.test"]) {
        const certificate = await shownCertificate(evenkeel.port(), name, root);
        expect(certificate.subjectaltname).toBe("DNS:example.test, DNS:*.example.test");
      }
      expect(entry).toMatchObject({ names: acme.domains, failures: 0, lastError: null, renewal: { by: "lifetime" } });
      const calls = pebble.hookCalls.map(({ action, name }) => `${action} ${name}`);
      expect(calls.filter((call) => call === "present _acme-challenge.example.test")).toHaveLength(2);
      expect(calls.filter((call) => call === "cleanup _acme-challenge.example.test")).toHaveLength(2);
      expect(pebble.txt("_acme-challenge.example.test")).toEqual([]);
      expect(orders(pebble)).toBeGreaterThanOrEqual(1);
    },
    TIMEOUT,
  );

  it(
    "shows control by tls-alpn-01 on the listener itself, for several names",
    async () => {
      const port = await freePort();
      const pebble = await startPebble({ tlsPort: port });
      const acme = { domains: ["a.test", "b.test", "c.test"], keyType: "rsa2048" };
      const evenkeel = await startEvenkeel({ config: config(pebble, acme, { port }) });
      await waitForCertificates(evenkeel);
      const certificate = await shownCertificate(port, "b.test", await pebble.root());
      expect(certificate.subjectaltname).toBe("DNS:a.test, DNS:b.test, DNS:c.test");
      expect(certificate.bits).toBe(2048);
    },
    TIMEOUT,
  );

  it(
    "shows control by http-01 on a plain listener, whose other paths stay its routes'",
    async () => {
      const origin = await startNodeOrigin();
      const httpPort = await freePort();
      const pebble = await startPebble({ httpPort });
      const others = { plain: { listen: `127.0.0.1:${httpPort}`, pool: "web" } };
      const top = { pools: { web: { servers: [origin.address] } } };
      const acme = { domains: ["www.test"], challenge: "http-01", keyType: "ec384" };
      const evenkeel = await startEvenkeel({ config: config(pebble, acme, { others, top }) });
      await waitForCertificates(evenkeel);
      const certificate = await shownCertificate(evenkeel.port(), "www.test", await pebble.root());
      expect(certificate.subjectaltname).toBe("DNS:www.test");
      expect(certificate.bits).toBe(384);
      const path = "/.well-known/acme-challenge/other";
      const other = await exchange(httpPort, `GET ${path} HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n`);
      expect(JSON.parse(other.body.toString())).toMatchObject({ server: "node", url: path });
    },
    TIMEOUT,
  );

  it(
    "registers with an external account, and says what is wrong without one",
    async () => {
      const external = { keyId: "kid-1", hmacKey: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W" };
      const pebble = await startPebble({ external });
      const dns = { domains: ["eab.test"], challenge: "dns-01", dnsHook: pebble.dnsHook };
      const without = config(pebble, dns);
      const evenkeel = await startEvenkeel({ config: without });
      const refused = await evenkeel.waitForLog(/acme eab\.test: .*next attempt at/);
      expect(refused).toContain("externalAccountRequired");
      expect(refused).toContain("there is no certificate yet");
      const [entry] = await acmeEntries(evenkeel);
      expect(entry).toMatchObject({ state: "missing", failures: 1 });
      expect(entry!.lastError!.reason).toContain("externalAccountRequired");
      // With the account it is tried again at once.
      evenkeel.writeConfig({
        admin: { listen: "127.0.0.1:0" },
        ...config(pebble, { ...dns, externalAccount: external }),
      });
      evenkeel.signal("SIGHUP");
      await waitForCertificates(evenkeel);
      expect(evenkeel.log.join("\n")).not.toContain(external.hmacKey);
      expect(JSON.stringify(await evenkeel.admin("/api/v2/config"))).not.toContain(external.hmacKey);
    },
    TIMEOUT,
  );
});

describe.skipIf(withoutPebble)("what ACME keeps", () => {
  it(
    "survives a restart, for this user's eyes only: nothing is ordered again",
    async () => {
      const certificateStore = join(temporaryFolder(), "store");
      const port = await freePort();
      const pebble = await startPebble({ tlsPort: port });
      const settings = config(pebble, { domains: ["kept.test"] }, { port, top: { certificateStore } });
      const root = await pebble.root();
      const first = await startEvenkeel({ config: settings });
      await waitForCertificates(first);
      const before = await shownCertificate(port, "kept.test", root);
      await first.stop();
      const files = readdirSync(certificateStore, { recursive: true, encoding: "utf8" }).map((name) =>
        join(certificateStore, name),
      );
      for (const path of [certificateStore, ...files]) expect(statSync(path).mode & 0o077, path).toBe(0);
      const ordered = orders(pebble);
      const second = await startEvenkeel({ config: settings });
      const [entry] = await acmeEntries(second);
      expect(entry).toMatchObject({ state: "valid", failures: 0 });
      expect((await shownCertificate(port, "kept.test", root)).serialNumber).toBe(before.serialNumber);
      expect(orders(pebble)).toBe(ordered);
      expect(files.filter((path) => path.includes("acme-accounts/"))).toHaveLength(1);
    },
    TIMEOUT,
  );

  it(
    "is shown while another set of names is ordered, by an account that the authority has forgotten",
    async () => {
      const pebble = await startPebble();
      const dns = { challenge: "dns-01", dnsHook: pebble.dnsHook };
      const certificateStore = join(temporaryFolder(), "store");
      const top = { certificateStore };
      const evenkeel = await startEvenkeel({ config: config(pebble, { domains: ["one.test"], ...dns }, { top }) });
      await waitForCertificates(evenkeel);
      const oldRoot = await pebble.root();
      const account = () => accountUrl(certificateStore);
      const oldAccount = account();
      await pebble.stop();
      const next = config(pebble, { domains: ["one.test", "two.test"], ...dns }, { top });
      evenkeel.writeConfig({ admin: { listen: "127.0.0.1:0" }, ...next });
      evenkeel.signal("SIGHUP");
      await evenkeel.waitForLog(/acme one\.test, two\.test: .*ECONNREFUSED.*next attempt/);
      const shown = await shownCertificate(evenkeel.port(), "one.test", oldRoot);
      expect(shown.subjectaltname).toBe("DNS:one.test");
      await pebble.again();
      await waitForCertificates(evenkeel);
      const root = await pebble.root();
      expect((await shownCertificate(evenkeel.port(), "two.test", root)).subjectaltname).toContain("DNS:one.test");
      expect(account()).not.toBe(oldAccount);
    },
    TIMEOUT,
  );
});

describe.skipIf(withoutPebble)("an authority that is down", () => {
  it(
    "holds nothing up, and is asked again",
    async () => {
      const origin = await startNodeOrigin();
      const pebble = await startPebble();
      await pebble.stop();
      const others = { plain: { listen: "127.0.0.1:0", pool: "web" } };
      const top = { pools: { web: { servers: [origin.address] } } };
      const acme = { domains: ["late.test"], challenge: "dns-01", dnsHook: pebble.dnsHook };
      const evenkeel = await startEvenkeel({ config: config(pebble, acme, { others, top }) });
      const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
      expect((await exchange(evenkeel.port("plain"), get)).headers["x-server"]).toBe("node");
      await evenkeel.waitForLog(/acme late\.test: .*ECONNREFUSED.*there is no certificate yet/);
      await waitFor("two attempts", async () => (await acmeEntries(evenkeel))[0]!.failures >= 2, 30_000);
      await pebble.again();
      await waitForCertificates(evenkeel);
      const certificate = await shownCertificate(evenkeel.port(), "late.test", await pebble.root());
      expect(certificate.subjectaltname).toBe("DNS:late.test");
      expect((await acmeEntries(evenkeel))[0]).toMatchObject({ failures: 0, lastError: null });
    },
    TIMEOUT,
  );
});

function accountUrl(certificateStore: string): string {
  const folder = join(certificateStore, "acme-accounts");
  const [file, ...others] = readdirSync(folder);
  expect(others).toEqual([]);
  return (JSON.parse(readFileSync(join(folder, file!), "utf8")) as { url: string }).url;
}
