import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { atEnd } from "../support/cleanup.ts";
import { startNodeOrigin } from "../support/origins.ts";

/*
 * The package as users get it: packed, unpacked into the node_modules of another project, and used as a program and as
 * a library there. Its dependencies are those of the checkout, so no registry is needed.
 */
const root = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);
let project: string;
let installed: string;
let packed: string[];

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), "evenkeel-package-"));
  atEnd(() => rmSync(project, { recursive: true, force: true }));
  // Built into the project and not into the checkout, which other tests may be using.
  const staged = join(project, "staged");
  installed = join(project, "node_modules", "evenkeel");
  mkdirSync(staged);
  mkdirSync(installed, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const name of ["bin", "README.md", "LICENSE"]) await run("cp", ["-r", join(root, name), staged]);
  delete manifest.scripts;
  delete manifest.workspaces;
  writeFileSync(join(staged, "package.json"), JSON.stringify(manifest));
  await run(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json", "--outDir", join(staged, "dist")],
    { cwd: root },
  );
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], { cwd: staged });
  const [{ filename, files }] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  packed = files.map(({ path }) => path);
  await run("tar", ["-xzf", join(project, filename), "-C", installed, "--strip-components=1"]);
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".") && name !== "evenkeel")
      symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
  }
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
}, 120_000);

describe("the published package", () => {
  it("holds the program, the library with its types, and neither sources nor tests", () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        "bin/evenkeel",
        "dist/index.js",
        "dist/index.d.ts",
        "README.md",
        "LICENSE",
        "package.json",
      ]),
    );
    expect(packed.filter((path) => !/^(?:bin|dist)\/|^(?:README\.md|LICENSE|package\.json)$/.test(path))).toEqual([]);
    expect(packed.filter((path) => /\.(?:test|contract|fixture)\./.test(path))).toEqual([]);
  });

  it("runs as a program", async () => {
    const command = join(installed, "bin", "evenkeel");
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect((await run(command, ["--version"])).stdout.trim()).toBe(version);
    writeFileSync(
      join(project, "evenkeel.yaml"),
      "listeners: { web: { listen: 127.0.0.1:0, pool: web } }\npools: { web: { servers: [127.0.0.1:9] } }\n",
    );
    await run(command, ["check"], { cwd: project });
    writeFileSync(join(project, "bad.yaml"), "lisetners: {}\n");
    await expect(run(command, ["check", "-c", "bad.yaml"], { cwd: project })).rejects.toMatchObject({ code: 78 });
  });

  it("balances as a library, with worker threads of its own", { timeout: 60_000 }, async () => {
    const origin = await startNodeOrigin("behind the package");
    writeFileSync(
      join(project, "use.mjs"),
      `import { createLoadBalancer } from "evenkeel";
      const balancer = createLoadBalancer({
        workers: 1,
        listeners: { web: { listen: "127.0.0.1:0", pool: "web" } },
        pools: { web: { servers: ["${origin.address}"] } },
      });
      const { listeners } = await balancer.start();
      const echo = await (await fetch(listeners.web[0] + "/through")).json();
      console.log(JSON.stringify({ server: echo.server, url: echo.url }));
      await balancer.drain();`,
    );
    const { stdout } = await run(process.execPath, ["use.mjs"], { cwd: project });
    expect(JSON.parse(stdout)).toEqual({ server: "behind the package", url: "/through" });
  });

  it("has types that a strict project takes", { timeout: 60_000 }, async () => {
    writeFileSync(
      join(project, "use.ts"),
      `import { createLoadBalancer, defineConfig } from "evenkeel";
      export const config = defineConfig({ listeners: { web: { listen: ":8080", pool: "web" } }, pools: { web: { servers: ["127.0.0.1:9001"] } } });
      export const balancer = createLoadBalancer(config);
      // @ts-expect-error a pool needs a list of servers
      defineConfig({ pools: { web: { servers: 5 } } });\n`,
    );
    writeFileSync(
      join(project, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          target: "es2024",
          module: "nodenext",
          strict: true,
          noEmit: true,
          types: ["node"],
          exactOptionalPropertyTypes: true,
        },
        files: ["use.ts"],
      }),
    );
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    await run(process.execPath, [tsc, "-p", project]).catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
  });
});
