import { expect, it } from "vitest";
import { certificateFiles, temporaryFolder, TestAuthority } from "../support/certificates.ts";
import { runEvenkeel, startEvenkeel } from "../support/evenkeel.ts";
import { freePort } from "../support/origins.ts";
import { waitFor } from "../support/wait.ts";

it("status shows where TLS is spoken, and the certificates that somebody has to look after", async () => {
  const folder = temporaryFolder();
  const ca = await TestAuthority.create();
  const soon = new Date(Date.now() + 12 * 3_600_000);
  const longAgo = new Date(Date.now() - 90 * 86_400_000);
  const good = certificateFiles(await ca.issue({ names: ["good.test"] }), folder, "good");
  const ending = certificateFiles(
    await ca.issue({ names: ["ending.test"], notBefore: longAgo, notAfter: soon }),
    folder,
    "ending",
  );
  const directory = `https://127.0.0.1:${await freePort()}/directory`;
  const evenkeel = await startEvenkeel({
    config: {
      workers: 1,
      certificateStore: folder,
      admin: { listen: "127.0.0.1:0" },
      listeners: {
        secure: {
          listen: "127.0.0.1:0",
          pool: "p",
          tls: {
            certificates: [good, ending].map(({ cert, key }) => ({ cert, key })),
            acme: { domains: ["new.example.com"], directory, agreeToTerms: true },
          },
        },
        plain: { listen: "127.0.0.1:0", routes: [{ redirect: { scheme: "https" } }] },
      },
      pools: { p: { servers: ["127.0.0.1:1"] } },
    },
  });
  const run = (command: string) => runEvenkeel([command, "--admin", evenkeel.url("admin")]);
  const { stdout: status } = await waitFor("an order that failed", async () => {
    const answer = await run("status");
    return answer.stdout.includes("next attempt") && answer;
  });
  expect(status).toMatch(/^LISTENER +ADDRESSES +OPEN +REQUESTS +FAILED HANDSHAKES$/m);
  expect(status).toMatch(/^secure +https:\/\/127\.0\.0\.1:\d+ +0 +0 +0$/m);
  expect(status).toMatch(/^plain +http:\/\/127\.0\.0\.1:\d+ +0 +0 +-$/m);
  expect(status).toMatch(/^file:\S+ending\S* +20\S+ +expiring /m);
  expect(status).toMatch(/^acme:new\.example\.com~\w+ +- +missing +\S.*next attempt at 20/m);
  expect(status).not.toContain("good");
  const { stdout: certificates } = await run("certificates");
  expect(certificates).toMatch(/^file:\S+good\S* +good\.test +.* ok$/m);
  expect(certificates).toMatch(/^acme:new\.example\.com~\w+ +new\.example\.com +- +- +secure +missing +\S/m);
});
