import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acmeEntries, acmeSettings, handshake, shownCertificate, waitForCertificates } from "../support/acme.ts";
import { temporaryFolder } from "../support/certificates.ts";
import { startEvenkeel } from "../support/evenkeel.ts";
import { freePort, startNodeOrigin } from "../support/origins.ts";
import { startPebble } from "../support/pebble.ts";
import { startRenewalFront } from "../support/renewal-front.ts";
import { missing, tool } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const TIMEOUT = 90_000;
const DAY = 86_400_000;
const withoutPebble = missing("pebble", "renewal against pebble") || missing("openssl", "renewal against pebble");

/** Clients that connect all the time, verify the certificate and send a request each. */
class Visitors {
  /** Serial number → how often it was shown. */
  readonly serials = new Map<string, number>();
  readonly failures: string[] = [];
  #running = true;
  readonly #done: Promise<unknown>;

  constructor(port: number, name: string, root: string, count: number) {
    this.#done = Promise.all(Array.from({ length: count }, () => this.#run(port, name, root)));
  }

  get served(): number {
    return [...this.serials.values()].reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #run(port: number, name: string, root: string): Promise<void> {
    while (this.#running) {
      try {
        const socket = await handshake(port, name, root);
        const { serialNumber } = socket.getPeerCertificate();
        let answer = "";
        socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
        socket.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
        await once(socket, "close");
        if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(`answered ${answer.slice(0, 40)}`);
        this.serials.set(serialNumber, (this.serials.get(serialNumber) ?? 0) + 1);
      } catch (error) {
        this.failures.push((error as Error).message);
      }
    }
  }
}

describe.skipIf(withoutPebble)("renewal", () => {
  it(
    "under load costs no client anything",
    async () => {
      const origin = await startNodeOrigin();
      const port = await freePort();
      // Renewed when a third of its life is left: in about 13 s.
      const pebble = await startPebble({ tlsPort: port, validity: 20 });
      const acme = acmeSettings(pebble, { domains: ["busy.test"] });
      const evenkeel = await startEvenkeel({
        config: {
          workers: 2,
          listeners: { web: { listen: `127.0.0.1:${port}`, pool: "web", tls: { acme } } },
          pools: { web: { servers: [origin.address] } },
        },
      });
      await waitForCertificates(evenkeel);
      const visitors = new Visitors(port, "busy.test", await pebble.root(), 4);
      await waitFor(
        "visitors that see the renewed certificate",
        () => visitors.serials.size >= 2 && [...visitors.serials.values()].every((count) => count > 10),
        40_000,
      );
      await visitors.stop();
      expect(visitors.failures).toEqual([]);
      expect(visitors.served).toBeGreaterThan(100);
    },
    TIMEOUT,
  );

  it(
    "comes when the authority says (RFC 9773), and is asked about by the certificate's id",
    async () => {
      const port = await freePort();
      const pebble = await startPebble({ tlsPort: port });
      const later = { start: Date.now() + 100 * DAY, end: Date.now() + 101 * DAY };
      const front = await startRenewalFront(pebble, () => later);
      const certificateStore = join(temporaryFolder(), "store");
      const acme = { ...acmeSettings(pebble, { domains: ["soon.test"] }), directory: front.directory };
      const config = {
        certificateStore,
        listeners: { web: { listen: `127.0.0.1:${port}`, routes: [], tls: { acme } } },
      };
      const first = await startEvenkeel({ config });
      await first.waitForLog(/acme soon\.test: the authority suggests renewal at/);
      const [entry] = await acmeEntries(first);
      expect(entry!.renewal).toMatchObject({ by: "authority", explanation: front.explanation });
      const at = Date.parse(entry!.renewal!.at);
      expect(at).toBeGreaterThanOrEqual(later.start);
      expect(at).toBeLessThanOrEqual(later.end);
      expect(entry!.nextAttempt).toBe(entry!.renewal!.at);
      const root = await pebble.root();
      const before = await shownCertificate(port, "soon.test", root);
      expect(front.asked).toEqual([certificateIdOf(before.raw)]);
      await first.stop();
      // A window in the past, as when certificates are to be revoked.
      const [known] = front.asked;
      front.suggest = (id) => (id === known ? { start: Date.now() - 2 * DAY, end: Date.now() - DAY } : later);
      const second = await startEvenkeel({ config });
      await second.waitForLog(/acme soon\.test: new certificate/);
      await waitFor("the new certificate's window", async () => {
        const [renewed] = await acmeEntries(second);
        return renewed!.renewal?.by === "authority" && Date.parse(renewed!.renewal.at) >= later.start;
      });
      const after = await shownCertificate(port, "soon.test", root);
      expect(after.serialNumber).not.toBe(before.serialNumber);
      expect(front.asked.at(-1)).not.toBe(known);
    },
    TIMEOUT,
  );

  it(
    "goes by the lifetime when the authority has nothing to say of a certificate",
    async () => {
      const port = await freePort();
      const pebble = await startPebble({ tlsPort: port });
      const front = await startRenewalFront(pebble, () => null);
      const acme = {
        ...acmeSettings(pebble, { domains: ["unknown.test"], renewBefore: "60d" }),
        directory: front.directory,
      };
      const evenkeel = await startEvenkeel({
        config: { listeners: { web: { listen: `127.0.0.1:${port}`, routes: [], tls: { acme } } } },
      });
      await evenkeel.waitForLog(/acme unknown\.test: no renewal information: .*no such certificate/);
      const [entry] = await acmeEntries(evenkeel);
      expect(entry).toMatchObject({ state: "valid", failures: 0, renewal: { by: "lifetime" } });
      const lead = Date.parse(entry!.notAfter!) - Date.parse(entry!.renewal!.at);
      expect(lead).toBeGreaterThanOrEqual(60 * DAY);
      expect(lead).toBeLessThanOrEqual(66 * DAY);
    },
    TIMEOUT,
  );
});

/** The id of RFC 9773 4.1, as OpenSSL reads its parts from the certificate (DER). */
function certificateIdOf(raw: Buffer): string {
  const args = ["x509", "-inform", "DER", "-noout", "-serial", "-ext", "authorityKeyIdentifier"];
  const text = execFileSync(tool("openssl"), args, { input: raw, encoding: "utf8" });
  const [, serial] = /serial=([0-9A-F]+)/.exec(text)!;
  const [keyId] = /([0-9A-F]{2}:)+[0-9A-F]{2}/.exec(text)!;
  const content = /^[89A-F]/.test(serial!) ? `00${serial}` : serial!;
  return [keyId.replaceAll(":", ""), content].map((hex) => Buffer.from(hex, "hex").toString("base64url")).join(".");
}
