import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FileWatcher } from "./file-watcher.ts";

let folder: string;
let watcher: FileWatcher | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-watch-"));
});
afterEach(() => {
  watcher?.close();
  rmSync(folder, { recursive: true, force: true });
});

function watched(file: string) {
  const changed = vi.fn<() => void>();
  watcher = new FileWatcher(file, changed, () => undefined);
  return changed;
}

it("tells once when the file is written, however many steps that takes", async () => {
  const file = join(folder, "a.yaml");
  writeFileSync(file, "1");
  const changed = watched(file);
  for (const text of ["", "22", "333"]) writeFileSync(file, text);
  await vi.waitFor(() => expect(changed).toHaveBeenCalled(), 4000);
  expect(changed).toHaveBeenCalledTimes(1);
});

it("goes on after an editor has put another file in its place", async () => {
  const file = join(folder, "a.yaml");
  writeFileSync(file, "1");
  const changed = watched(file);
  for (const round of [1, 2]) {
    writeFileSync(join(folder, "a.yaml~"), "x".repeat(round + 5));
    renameSync(join(folder, "a.yaml~"), file);
    await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(round), 4000);
  }
});

it("sees the swapped link of a mounted ConfigMap", async () => {
  for (const version of ["v1", "v2"]) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, "a.yaml"), version);
  }
  symlinkSync("v1", join(folder, "..data"));
  symlinkSync("..data/a.yaml", join(folder, "a.yaml"));
  const changed = watched(join(folder, "a.yaml"));
  symlinkSync("v2", join(folder, "..new"));
  renameSync(join(folder, "..new"), join(folder, "..data"));
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1), 4000);
});

it("does not mind other files, nor that its own is gone for a moment", async () => {
  const file = join(folder, "a.yaml");
  writeFileSync(file, "1");
  const changed = watched(file);
  writeFileSync(join(folder, "other"), "x");
  rmSync(file);
  // Both were seen by the time that a later change is.
  writeFileSync(file, "22");
  utimesSync(file, 1, 1);
  await vi.waitFor(() => expect(changed).toHaveBeenCalled(), 4000);
  expect(changed).toHaveBeenCalledTimes(1);
});
