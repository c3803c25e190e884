import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startOrigin } from "./origins.ts";

/*
 * Starts three sample servers and, in front of them, Evenkeel with the configuration of an example:
 *
 *   scripts/node examples/run.ts basic
 *
 * The servers listen on 9001 to 9003, Evenkeel on 8080; with --free-ports on any free ones, which the line that
 * Evenkeel prints when it is ready tells. Ends with Ctrl-C.
 */

const [name = "", ...options] = process.argv.slice(2);
const config = fileURLToPath(new URL(`${name}/evenkeel.yaml`, import.meta.url));
if (!/^[\w-]+$/.test(name) || !existsSync(config)) {
  console.error(
    "usage: scripts/node examples/run.ts basic|canary|https|own-algorithm|own-filter|own-health-check [--free-ports]",
  );
  process.exit(64);
}

const free = options.includes("--free-ports");
const origins = await Promise.all([1, 2, 3].map((number) => startOrigin(`origin-${number}`, free ? 0 : 9000 + number)));
const evenkeel = spawn(fileURLToPath(new URL("../bin/evenkeel", import.meta.url)), ["run", "-c", config], {
  stdio: "inherit",
  env: {
    ...process.env,
    // The configurations have the usual ports as defaults of these.
    ...(free ? { PORT: "0", HTTPS_PORT: process.env["HTTPS_PORT"] ?? "0", ADMIN_PORT: "0" } : {}),
    ...Object.fromEntries(origins.map((origin, index) => [`ORIGIN_${index + 1}`, String(origin.port)])),
  },
});
// Ctrl-C reaches both programs from the terminal; a signal from elsewhere is passed on. The servers stay until
// Evenkeel has drained.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => evenkeel.kill("SIGTERM"));
evenkeel.once("close", (code) => {
  for (const origin of origins) origin.close();
  process.exitCode = code ?? 1;
});
