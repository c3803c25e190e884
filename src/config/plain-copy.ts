import type { ConfigPath } from "./problem.ts";
import { MAX_DEPTH, MAX_VALUES } from "./source.ts";

/**
 * A copy of a value that holds nothing but plain objects, lists, texts, finite numbers, booleans and null. Anything
 * else (functions, class instances, cycles, getters that throw) is reported and becomes undefined. Shared parts are
 * copied, so that the result is a tree.
 */
export function plainCopy(input: unknown, report: (path: ConfigPath, message: string) => void): unknown {
  let values = 0;
  let isFull = false;

  const fail = (path: ConfigPath, message: string): undefined => {
    report(path, message);
    return undefined;
  };

  const copy = (value: unknown, path: ConfigPath): unknown => {
    if (isFull) return undefined;
    if (++values > MAX_VALUES) {
      isFull = true;
      return fail(path, `more than ${MAX_VALUES} values`);
    }
    if (value === null || value === undefined || typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "number") return Number.isFinite(value) ? value : fail(path, "must be a finite number");
    if (typeof value !== "object") return fail(path, `a ${typeof value} cannot stand in a configuration`);
    if (path.length > MAX_DEPTH) return fail(path, `nested more than ${MAX_DEPTH} levels deep`);
    try {
      return copyObject(value, path);
    } catch {
      return fail(path, "cannot be read");
    }
  };

  const copyObject = (value: object, path: ConfigPath): unknown => {
    if (Array.isArray(value)) return Array.from(value, (item, index) => copy(item, [...path, index]));
    const prototype: unknown = Object.getPrototypeOf(value);
    // Objects of another realm (a vm context) have another Object.prototype, whose own prototype is null as well.
    const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
    if (!isPlain) return fail(path, "must be a plain object, not an instance of a class");
    const result: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      if (key === "__proto__") fail(path, 'the key "__proto__" is not allowed');
      else result[key] = copy(item, [...path, key]);
    }
    return result;
  };

  return copy(input, []);
}
