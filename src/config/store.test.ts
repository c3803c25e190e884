import { expect, it } from "vitest";
import { storeFile } from "./store.ts";

it.each([
  ["memory:", undefined],
  ["sqlite:evenkeel.db", "/etc/evenkeel/evenkeel.db"],
  ["sqlite:../a b.db", "/etc/a b.db"],
  ["sqlite:/var/lib/x.db", "/var/lib/x.db"],
])("%s", (store, file) => {
  expect(storeFile(store, "/etc/evenkeel")).toBe(file);
});
