import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { certificateFiles, TestAuthority } from "../../test/support/certificates.ts";
import { parse } from "yaml";
import { configJsonSchema } from "../config/json-schema.ts";
import { registerCheck } from "./check.ts";
import { EXIT } from "./exit-codes.ts";
import { builtIn } from "../main/built-in.ts";
import { registerInit } from "./init.ts";
import { registerSchema } from "./schema.ts";

let directory: string;
let stdout: string;
let stderr: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evenkeel-cli-"));
  stdout = "";
  stderr = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((stdout += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((stderr += String(text)), true));
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
  rmSync(directory, { recursive: true });
});

async function run(...words: string[]): Promise<number> {
  const program = new Command();
  for (const register of [registerCheck, registerSchema, registerInit]) register(program);
  process.exitCode = EXIT.OK;
  await program.parseAsync(words, { from: "user" });
  return Number(process.exitCode);
}

const validate = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false }).compile(
  configJsonSchema(builtIn),
);

describe("init", () => {
  it("writes a file that check and the JSON Schema accept without a warning", async () => {
    const file = join(directory, "evenkeel.yaml");
    expect(await run("init", file)).toBe(EXIT.OK);
    expect(await run("check", "-c", file)).toBe(EXIT.OK);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/ok: 1 listener, 1 pool, 2 servers\n$/);
    expect(validate(parse(readFileSync(file, "utf8"))), JSON.stringify(validate.errors)).toBe(true);
  });

  it("says nothing that is not so: what it leaves commented out is valid as well", async () => {
    const file = join(directory, "evenkeel.yaml");
    await run("init", file);
    const issued = await (await TestAuthority.create()).issue({ names: ["shop.test"] });
    for (const name of ["shop", "internal"]) certificateFiles(issued, directory, name);
    const text = readFileSync(file, "utf8")
      .replaceAll(/^( *)# (?=( |- |[a-zA-Z]+: [^ ]*\[|tls:|protocol:|token:|maxConnections:))/gm, "$1")
      .replace("${file:/run/secrets/evenkeel-token}", "0123456789abcdef");
    expect(text).not.toMatch(/^ *# (- match|trustedProxies|token|tls:|protocol:)/m);
    writeFileSync(file, `${text}  canary: { servers: [127.0.0.1:9003] }\n`);
    expect(await run("check", "-c", file), stderr).toBe(EXIT.OK);
  });

  it("replaces a file only with --force", async () => {
    const file = join(directory, "evenkeel.yaml");
    writeFileSync(file, "mine");
    expect(await run("init", file)).toBe(EXIT.FAILED);
    expect(stderr).toContain("is there already; --force replaces it");
    expect(readFileSync(file, "utf8")).toBe("mine");
    expect(await run("init", file, "--force")).toBe(EXIT.OK);
    expect(readFileSync(file, "utf8")).not.toBe("mine");
  });
});

describe("check", () => {
  it("prints problems with file, line and column, and ends with 78", async () => {
    const file = join(directory, "evenkeel.yaml");
    writeFileSync(file, "workers: 2\nlistener: {}\n");
    expect(await run("check", "-c", file)).toBe(EXIT.CONFIG);
    expect(stderr).toContain(`${file}:2:1: listener: unknown key; did you mean "listeners"?`);
    expect(stderr).toMatch(/1 error\n$/);
    expect(stdout).toBe("");
  });

  it("prints JSON on request", async () => {
    const file = join(directory, "evenkeel.yaml");
    writeFileSync(file, "workers: -1");
    expect(await run("check", "-c", file, "--json")).toBe(EXIT.CONFIG);
    const result = JSON.parse(stdout) as { problems: unknown[] };
    expect(result).toMatchObject({ ok: false, file });
    expect(result.problems).toContainEqual(
      expect.objectContaining({ severity: "error", path: "workers", line: 1, column: 10 }),
    );
    expect(stderr).toBe("");
  });
});

describe("schema", () => {
  it("prints the JSON Schema", async () => {
    expect(await run("schema")).toBe(EXIT.OK);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(configJsonSchema(builtIn))));
  });

  /** After a change of the schema: `UPDATE_DOCS=1 npx vitest run src/cli/configuration-commands.test.ts`. */
  it("prints the reference that docs/configuration.md holds", async () => {
    await run("schema", "--format", "markdown");
    const file = join(import.meta.dirname, "../../docs/configuration.md");
    const marks = /(<!-- prettier-ignore-start -->\n)[^]*(<!-- prettier-ignore-end -->)/;
    const document = readFileSync(file, "utf8");
    expect(document).toMatch(marks);
    const current = document.replace(marks, (_whole, start: string, end: string) => `${start}\n${stdout}\n${end}`);
    if (process.env.UPDATE_DOCS === "1") writeFileSync(file, current);
    else expect(document).toBe(current);
  });

  it("accepts every YAML example of docs/configuration.md", async () => {
    const document = readFileSync(join(import.meta.dirname, "../../docs/configuration.md"), "utf8");
    const examples = [...document.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((match) => match[1]);
    expect(examples.length).toBeGreaterThan(1);
    for (const [index, example] of examples.entries()) {
      const file = join(directory, `example-${index}.yaml`);
      writeFileSync(file, example);
      expect(await run("check", "-c", file), stderr).toBe(EXIT.OK);
      expect(validate(parse(example)), `${example}${JSON.stringify(validate.errors)}`).toBe(true);
    }
  });
});
