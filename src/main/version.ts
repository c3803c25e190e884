import { readFileSync } from "node:fs";

/** The version of the program, from package.json (two folders up from the sources and from the built files alike). */
export function programVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
