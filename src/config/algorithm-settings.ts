import { hashKeyProblem } from "../core/balancing/hash-key.ts";
import { nearestName } from "./nearest.ts";
import type { AlgorithmConfig } from "./schema.ts";
import { schemaNode } from "./schema-node.ts";
import { isRecord, show, type Conversion } from "./visit.ts";

const DEFAULT_KEY = "client";

/**
 * `algorithm: maglev` or `algorithm: { name: maglev, key: …, …settings }` to an `AlgorithmConfig`; aliases become the
 * algorithm's own name. The normalised form, with `settings` as an object of its own, is understood as well.
 */
export const normaliseAlgorithm: Conversion = (_schema, value, path, visit, normalise): AlgorithmConfig | undefined => {
  const given = typeof value === "string" ? { name: value } : value;
  if (!isRecord(given) || typeof given.name !== "string") {
    visit.error(path, `must be the name of an algorithm, or an object with \`name\`, not ${show(value, path, visit)}`);
    return undefined;
  }
  const namePath = typeof value === "string" ? path : [...path, "name"];
  const { name, key = DEFAULT_KEY, settings, ...rest } = given;
  const { algorithms } = visit.extensions;
  const algorithm = algorithms.find((entry) => entry.name === name || entry.aliases?.includes(name as string));
  if (algorithm === undefined) {
    const near = nearestName(
      name as string,
      algorithms.flatMap((entry) => [entry.name, ...(entry.aliases ?? [])]),
    );
    const hint = near === undefined ? "" : `; did you mean "${near}"?`;
    const known = algorithms.map((entry) => entry.name).join(", ");
    visit.error(namePath, `${show(name, namePath, visit)} is not an algorithm${hint} (known: ${known})`);
    return undefined;
  }
  const keyReason = typeof key === "string" ? hashKeyProblem(key) : "must be a text";
  if (keyReason !== undefined) visit.error([...path, "key"], keyReason);
  else if (!algorithm.usesHashKey && key !== DEFAULT_KEY) {
    visit.warn([...path, "key"], `${algorithm.name} takes no key; it has no effect`, "key");
  }
  const schema = schemaNode(algorithm.schema);
  const nested = isRecord(settings) && schema.properties?.settings === undefined;
  const own = nested ? { ...settings, ...rest } : settings === undefined ? rest : { ...rest, settings };
  const settingsPath = nested ? [...path, "settings"] : path;
  const normalised = normalise(
    // `key` has been taken out already; it is named here for the sake of the message about a misspelt one.
    { ...schema, type: "object", properties: { ...schema.properties, ...(algorithm.usesHashKey && { key: {} }) } },
    own,
    settingsPath,
    visit,
  );
  return { name: algorithm.name, key: key as string, settings: normalised as AlgorithmConfig["settings"] };
};
