/*
 * Completes package-lock.json after an `npm install` from a registry that does not carry the packages of every
 * platform: npm then leaves them out of the lock file, and `npm ci` refuses a lock file that lacks them. Adds an entry for
 * each missing optional package of the tools that ship one per platform; npm fetches only the machine's own.
 *
 * Usage: scripts/node scripts/complete-lock.mjs
 */
import { readFileSync, writeFileSync } from "node:fs";

const FILE = "package-lock.json";
const OWNERS = ["oxlint", "oxlint-tsgolint"];
const PLATFORM =
  /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|x64|arm|ia32|ppc64|riscv64|s390x)(?:-(gnu|musl))?/;

const lock = JSON.parse(readFileSync(FILE, "utf8"));
let added = 0;
for (const owner of OWNERS) {
  const { optionalDependencies, license } = lock.packages[`node_modules/${owner}`];
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    const [, os, cpu, libc] = PLATFORM.exec(name);
    const glibc = libc !== undefined && os === "linux" ? { libc: [libc === "gnu" ? "glibc" : "musl"] } : {};
    lock.packages[key] = { version, cpu: [cpu], dev: true, license, optional: true, os: [os], ...glibc };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${FILE}: ${added} entries added`);
