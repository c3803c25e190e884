import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/certificates.ts";
import { AccountFiles } from "./account-files.ts";
import { acmeSettings } from "./acme.fixture.ts";

const settings = acmeSettings({ domains: "a.test", email: "me@a.test" });
const newFolder = () => join(temporaryFolder(), "store", "accounts");

it("makes a key once, for this user alone, and knows it again", async () => {
  const folder = newFolder();
  const files = new AccountFiles(folder);
  const [one, two] = await Promise.all([files.load(settings), files.load(settings)]);
  expect(one.key).toContain("BEGIN PRIVATE KEY");
  expect(two.key).toBe(one.key);
  expect(one).toMatchObject({ url: null, email: "me@a.test", external: null });
  const [file, ...others] = readdirSync(folder);
  expect(others).toEqual([]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, file!)).mode & 0o777).toBe(0o600);
  expect((await new AccountFiles(folder).load(settings)).key).toBe(one.key);
});

it("keeps the URL, and forgets it", async () => {
  const folder = newFolder();
  const files = new AccountFiles(folder);
  const { key } = await files.load(settings);
  await files.save(settings, "https://ca.test/1");
  expect((await files.load(settings)).url).toBe("https://ca.test/1");
  expect(await new AccountFiles(folder).load(settings)).toMatchObject({ key, url: "https://ca.test/1" });
  await files.save(settings, null);
  expect(await new AccountFiles(folder).load(settings)).toMatchObject({ key, url: null });
  expect(readdirSync(folder)).toHaveLength(1);
});

it("has an account of its own for each directory, address of contact and external account", async () => {
  const files = new AccountFiles(newFolder());
  const others = [
    { directory: "https://other.test/dir" },
    { email: "you@a.test" },
    { externalAccount: { keyId: "k", hmacKey: "AAAAAAAAAAAA" } },
  ];
  const accounts = [settings, ...others.map((other) => ({ ...settings, ...other }))].map((own) => files.load(own));
  const keys = (await Promise.all(accounts)).map(({ key }) => key);
  expect(new Set(keys).size).toBe(4);
  expect((await files.load({ ...settings, keyType: "rsa2048" })).key).toBe(keys[0]);
});

it.each(["", "{}", "null", '{"key": 5}'])("leaves a file that it cannot read to people: %j", async (text) => {
  const folder = newFolder();
  await new AccountFiles(folder).load(settings);
  const file = join(folder, readdirSync(folder)[0]!);
  writeFileSync(file, text);
  await expect(new AccountFiles(folder).load(settings)).rejects.toThrow(`the ACME account in ${file} cannot be read`);
  expect(readFileSync(file, "utf8")).toBe(text);
});

it("says why nothing can be kept, and tries again", async () => {
  const parent = temporaryFolder();
  const folder = join(parent, "file", "accounts");
  writeFileSync(join(parent, "file"), "");
  const files = new AccountFiles(folder);
  await expect(files.load(settings)).rejects.toThrow(/^the ACME account in .*: ENOTDIR$/);
  await expect(files.load(settings)).rejects.toThrow(/ENOTDIR/);
});
