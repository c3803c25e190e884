import { readFileSync, writeFileSync } from "node:fs";
const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const p = lock.packages;
let n = 0;
for (const owner of ["oxlint", "oxlint-tsgolint"])
  for (const [name, version] of Object.entries(p["node_modules/" + owner].optionalDependencies)) {
    const key = "node_modules/" + name;
    if (p[key]) continue;
    const [, os, cpu, libc] =
      /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|x64|arm|ia32|ppc64|riscv64|s390x)(?:-(gnu|musl))?/.exec(
        name,
      );
    p[key] = {
      version,
      cpu: [cpu],
      dev: true,
      license: p["node_modules/" + owner].license,
      optional: true,
      os: [os],
      ...(libc && os === "linux" ? { libc: [libc === "gnu" ? "glibc" : "musl"] } : {}),
    };
    n++;
  }
lock.packages = Object.fromEntries(Object.entries(p).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");
console.log(n);
