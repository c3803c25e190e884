import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acmeEntries, acmeSettings, shownCertificate } from "../support/acme.ts";
import { temporaryFolder, TestAuthority, certificateFiles } from "../support/certificates.ts";
import { startEvenkeel } from "../support/evenkeel.ts";
import { freePort } from "../support/origins.ts";
import { startPebble, type Pebble } from "../support/pebble.ts";
import { missing } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const TIMEOUT = 90_000;
const orders = (pebble: Pebble) => pebble.count(/Added order/);

/** Asks until the name's own certificate is shown. */
function ownCertificate(port: number, name: string, root: string): Promise<unknown> {
  return waitFor(
    `a certificate for ${name}`,
    () =>
      shownCertificate(port, name, root).then(
        () => true,
        () => false,
      ),
    30_000,
  );
}

/** Some clients that all fail to get a certificate for the name. */
async function nobodyGets(port: number, name: string, root: string): Promise<void> {
  const results = await Promise.allSettled(Array.from({ length: 4 }, () => shownCertificate(port, name, root)));
  expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => "rejected"));
}

describe.skipIf(missing("pebble", "ACME on demand"))("certificates on demand", () => {
  it(
    "come for names of the list when they are asked for, within the limit, and are kept",
    async () => {
      const port = await freePort();
      const pebble = await startPebble({ tlsPort: port });
      const other = await (await TestAuthority.create()).issue({ names: ["default.test"] });
      const { cert, key } = certificateFiles(other);
      const acme = acmeSettings(pebble, { onDemand: ["*.shops.test"], onDemandLimit: 2 });
      const certificateStore = join(temporaryFolder(), "store");
      const config = {
        certificateStore,
        workers: 2,
        listeners: {
          web: {
            listen: `127.0.0.1:${port}`,
            routes: [],
            tls: { certificates: [{ cert, key }], handshakeTimeout: "2s", acme },
          },
        },
      };
      const evenkeel = await startEvenkeel({ config });
      const root = await pebble.root();
      await ownCertificate(port, "a.shops.test", root);
      expect((await shownCertificate(port, "a.shops.test", root)).subjectaltname).toBe("DNS:a.shops.test");
      expect(orders(pebble)).toBe(1);

      // Names that the list does not have, and more names than the limit allows.
      const [foreign, second, third] = ["a.other.test", "b.shops.test", "c.shops.test"];
      for (const name of [foreign, "x.a.shops.test", "shops.test"]) {
        await nobodyGets(port, name!, root);
      }
      await ownCertificate(port, second!, root);
      await nobodyGets(port, third!, root);
      expect(orders(pebble)).toBe(2);
      expect((await acmeEntries(evenkeel)).map(({ names }) => names[0]).toSorted()).toEqual([
        "a.shops.test",
        "b.shops.test",
      ]);
      expect((await shownCertificate(port, "default.test", other.root)).subjectaltname).toBe("DNS:default.test");

      await evenkeel.stop();
      const again = await startEvenkeel({ config });
      for (const name of ["a.shops.test", "b.shops.test"]) await shownCertificate(port, name, root);
      expect(await acmeEntries(again)).toHaveLength(2);
      expect(orders(pebble)).toBe(2);
    },
    TIMEOUT,
  );

  it(
    "are not ordered again at once for a name that the authority refuses",
    async () => {
      const port = await freePort();
      // The authority looks elsewhere: control of the name is never shown.
      const pebble = await startPebble({ tlsPort: await freePort() });
      const acme = acmeSettings(pebble, { onDemand: ["*.shops.test"] });
      const evenkeel = await startEvenkeel({
        config: {
          listeners: { web: { listen: `127.0.0.1:${port}`, routes: [], tls: { handshakeTimeout: "2s", acme } } },
        },
      });
      const root = await pebble.root();
      await nobodyGets(port, "bad.shops.test", root);
      const line = await evenkeel.waitForLog(/acme bad\.shops\.test \(on demand\): /);
      expect(line).toContain("not ordered for");
      const before = orders(pebble);
      await nobodyGets(port, "bad.shops.test", root);
      await nobodyGets(port, "worse.shops.test", root);
      await evenkeel.waitForLog(/acme worse\.shops\.test \(on demand\): /);
      expect(orders(pebble)).toBe(before + 1);
      expect(await acmeEntries(evenkeel)).toEqual([]);
    },
    TIMEOUT,
  );
});
