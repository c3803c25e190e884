import { registerHooks } from "node:module";

let provided = false;

/**
 * Lets modules that stand outside of any project import "evenkeel": where the usual search finds no such package, they
 * get the program that loads them.
 */
export function provideOwnPackage(): void {
  if (provided) return;
  provided = true;
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const url = new URL(`../index.${extension}`, import.meta.url).href;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier !== "evenkeel") return nextResolve(specifier, context);
      try {
        return nextResolve(specifier, context);
      } catch {
        return { url, shortCircuit: true };
      }
    },
  });
}
