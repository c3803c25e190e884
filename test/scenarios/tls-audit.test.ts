import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { certificateFiles, temporaryFolder, TestAuthority } from "../support/certificates.ts";
import { startEvenkeel } from "../support/evenkeel.ts";
import { run } from "../support/openssl.ts";
import { missing, tool } from "../support/tools.ts";

/** A line of testssl.sh's JSON. */
interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** What comes of a certificate by nobody, and of a host without a DNS zone. */
const OF_THE_TEST = /^(cert_revocation|cert_trust|cert_chain_of_trust|cert_validityPeriod|DNS_CAArecord)/;

/** On a busy machine its client leaves before the ticket has come, and it says that it could not look. */
const couldNotLook = ({ id, severity }: Finding) => id === "sessionresumption_ticket" && severity === "WARN";

describe.skipIf(missing("testssl", "an audit of the TLS that is spoken by default"))("an audit by testssl.sh", () => {
  it("finds nothing above INFO", { timeout: 400_000 }, async () => {
    const folder = temporaryFolder();
    const ca = await TestAuthority.create();
    const pairs = await Promise.all(
      (["ecdsa", "rsa"] as const).map(async (keyType) =>
        certificateFiles(await ca.issue({ names: ["localhost", "127.0.0.1"], keyType }), folder, keyType),
      ),
    );
    const evenkeel = await startEvenkeel({
      config: {
        listeners: {
          web: {
            listen: "127.0.0.1:0",
            tls: { certificates: pairs.map(({ cert, key }) => ({ cert, key })) },
            routes: [{ filters: [{ securityHeaders: {} }], respond: { status: 200, body: "hello" } }],
          },
        },
      },
    });
    const report = join(folder, "report.json");
    // Protocols, kinds of ciphers, forward secrecy, preferences, defaults, headers, vulnerabilities.
    const checks = ["-p", "-s", "-f", "-P", "-S", "-h", "-U"];
    const options = ["--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--add-ca", pairs[0]!.ca];
    const { output } = await run(
      tool("testssl"),
      [...options, ...checks, "--jsonfile", report, `localhost:${evenkeel.port()}`],
      "",
      380_000,
    );
    const findings = JSON.parse(readFileSync(report, "utf8")) as Finding[];
    expect(findings.length, output).toBeGreaterThan(80);
    const bad = findings.filter(({ id, severity }) => !["OK", "INFO"].includes(severity) && !OF_THE_TEST.test(id));
    expect(bad.filter((finding) => !couldNotLook(finding))).toEqual([]);
  });
});
