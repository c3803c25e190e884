import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DiscoveryWatch } from "../../core/discovery/discovery.ts";
import { file } from "./file.ts";
import { MAX_FILE_SIZE } from "./limits.ts";

let folder: string;
let watch: DiscoveryWatch | undefined;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-file-"));
  said = [];
});
afterEach(() => {
  watch?.close();
  rmSync(folder, { recursive: true, force: true });
});

const write = (text: string, name = "servers.yaml") => writeFileSync(join(folder, name), text);
const watchFile = (path = "servers.yaml") => {
  watch = file.watch(
    { path, allowMetadata: false },
    {
      servers: (list) => void said.push(JSON.stringify(list.map(({ address, weight }) => [address, weight]))),
      failed: (reason) => void said.push(reason.replaceAll(`${folder}/`, "")),
    },
    { clock: { now: () => 0, wall: () => 0 }, random: () => 0, baseDir: folder, log: () => undefined },
  );
};
const says = (count: number) => vi.waitFor(() => expect(said).toHaveLength(count), 4000);

it.each([
  ["- a:1\n- { address: b:2, weight: 3 }\n", '[["a:1",1],["b:2",3]]'],
  ["servers:\n  - a:1\n", '[["a:1",1]]'],
  ["[]", "[]"],
  ["servers: []", "[]"],
])("reads %j", async (text, expected) => {
  write(text);
  watchFile();
  await says(1);
  expect(said).toEqual([expected]);
});

it("reads JSON by the file's name", async () => {
  write('{ "servers": ["a:1", { "address": "b:2", "weight": 2 }] }', "servers.json");
  watchFile("servers.json");
  await says(1);
  expect(said).toEqual(['[["a:1",1],["b:2",2]]']);
});

it.each([
  ["- a:1\n- a\n", 'servers.yaml:2:3: [1].address: "a": the port is missing: a:80'],
  ["servers:\n  - { address: a:1, weight: x }\n", "servers.yaml:2:29: servers[0].weight: must be an integer"],
  ["- {address: a:1", "servers.yaml:1:"],
  ["hosts: [a:1]", "servers.yaml: must be a list of servers, or an object with the one key `servers`"],
  ["servers: [a:1]\nmore: 1", "must be a list of servers"],
  ["5", "must be a list of servers"],
  ["", "there is nothing in the file"],
  ["- x\n- x\n- x\n- x\n- x\n", "and 2 more"],
  [`- a:1 #${"x".repeat(MAX_FILE_SIZE)}`, `cannot be read: it has more than ${MAX_FILE_SIZE} bytes`],
])("says what is wrong with %.20j", async (text, expected) => {
  write(text);
  watchFile();
  await says(1);
  expect(said[0]).toContain(expected);
});

it("waits for a file that is not there, and follows it from then on", async () => {
  watchFile();
  await says(1);
  expect(said[0]).toBe("servers.yaml cannot be read: there is no such file or directory");
  write("- a:1\n");
  await says(2);
  write("- b:22\n", "new");
  renameSync(join(folder, "new"), join(folder, "servers.yaml"));
  await says(3);
  expect(said.slice(1)).toEqual(['[["a:1",1]]', '[["b:22",1]]']);
  watch!.refresh();
  await says(4);
});

it("says nothing more when it is closed", async () => {
  write("- a:1\n");
  watchFile();
  watch!.close();
  write("- b:22\n", "other.yaml");
  watchFile("other.yaml");
  await says(1);
  expect(said).toEqual(['[["b:22",1]]']);
});
