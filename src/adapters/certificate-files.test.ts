import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/certificates.ts";
import { CertificateFiles } from "./certificate-files.ts";

const pair = (id: string) => ({ id, chain: `chain of ${id}`, key: `key of ${id}` });
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("certificates in a directory", () => {
  it("are there after a restart, for this user alone", async () => {
    const directory = join(temporaryFolder(), "a", "store");
    const files = new CertificateFiles(directory);
    expect(await files.load()).toEqual({ pairs: [], problems: [] });
    await files.put(pair("rest:shop.example"));
    await files.put(pair("acme:_.example.test~1a2b"));
    await files.put({ ...pair("rest:shop.example"), chain: "another" });
    expect(mode(directory)).toBe("700");
    for (const name of readdirSync(directory)) expect(mode(join(directory, name))).toBe("600");
    const again = await new CertificateFiles(directory).load();
    expect(again).toEqual({
      pairs: [pair("acme:_.example.test~1a2b"), { ...pair("rest:shop.example"), chain: "another" }],
      problems: [],
    });
    await files.remove("rest:shop.example");
    await files.remove("rest:never-there");
    expect((await files.load()).pairs.map(({ id }) => id)).toEqual(["acme:_.example.test~1a2b"]);
  });

  it("that are damaged are said and left out, without a word of what stands in them", async () => {
    const directory = temporaryFolder();
    const files = new CertificateFiles(directory);
    await files.put(pair("rest:good"));
    writeFileSync(join(directory, "rest_cut.json"), '{"id": "rest:cut", "key": "SECRET');
    writeFileSync(join(directory, "rest_half.json"), '{"key": "SECRET"}');
    mkdirSync(join(directory, "rest_folder.json"));
    // What others put there is none of ours.
    writeFileSync(join(directory, "README"), "");
    writeFileSync(join(directory, "rest_good.json.0123.tmp"), "");
    mkdirSync(join(directory, "acme-accounts"));
    // A write that was cut off, with a key in it.
    writeFileSync(join(directory, "rest_good.json.0123456789ab.tmp"), "");
    const { pairs, problems } = await files.load();
    expect(pairs).toEqual([pair("rest:good")]);
    expect(readdirSync(directory).filter((name) => name.endsWith(".tmp"))).toEqual(["rest_good.json.0123.tmp"]);
    expect(problems).toEqual([
      `${join(directory, "rest_cut.json")} cannot be read: it is damaged`,
      `${join(directory, "rest_folder.json")} cannot be read: EISDIR`,
      `${join(directory, "rest_half.json")} cannot be read: it is damaged`,
    ]);
  });

  it("that cannot be written leave the one before, and nothing else", async () => {
    const directory = temporaryFolder();
    const files = new CertificateFiles(directory);
    await files.put(pair("rest:a"));
    mkdirSync(join(directory, "rest_b.json"));
    await expect(files.put(pair("rest:b"))).rejects.toMatchObject({ code: "EISDIR" });
    expect(readdirSync(directory).sort()).toEqual(["rest_a.json", "rest_b.json"]);
  });
});
