// The certificate that all contestants show: made once per session, ECDSA P-256, as most sites have it now.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Certificate } from "./contestants/contestant.ts";

/** The certificate's files in that directory; made by openssl when they are not there. */
export function certificate(directory: string): Certificate {
  const files = {
    cert: join(directory, "cert.pem"),
    key: join(directory, "key.pem"),
    bundle: join(directory, "both.pem"),
  };
  if (existsSync(files.bundle)) return files;
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", files.key];
  const names = ["-subj", "/CN=bench.test", "-addext", "subjectAltName=DNS:bench.test,IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", ...key, "-out", files.cert, "-days", "2", ...names], { stdio: "ignore" });
  writeFileSync(files.bundle, readFileSync(files.cert, "utf8") + readFileSync(files.key, "utf8"), { mode: 0o600 });
  return files;
}
