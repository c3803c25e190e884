import { nearestName } from "./nearest.ts";
import type { DiscoveryConfig } from "./pool-parts-schema.ts";
import { schemaNode } from "./schema-node.ts";
import { settingsProblem } from "./settings-problem.ts";
import { isRecord, show, type Conversion } from "./visit.ts";

/** `discovery: { type: dns, name: … }` to a `DiscoveryConfig` with checked settings. */
export const normaliseDiscovery: Conversion = (_schema, value, path, visit, normalise): DiscoveryConfig | undefined => {
  if (!isRecord(value) || typeof value.type !== "string") {
    visit.error(path, `must be a source of servers with \`type\`, not ${show(value, path, visit)}`);
    return undefined;
  }
  const { type, settings, ...rest } = value;
  const source = visit.extensions.discoveries?.find(({ name }) => name === type);
  if (source === undefined) {
    const known = (visit.extensions.discoveries ?? []).map(({ name }) => name);
    const near = nearestName(type as string, known);
    const hint = near === undefined ? "" : `; did you mean "${near}"?`;
    const typePath = [...path, "type"];
    visit.error(
      typePath,
      `${show(type, typePath, visit)} is not a source of servers${hint} (known: ${known.join(", ") || "none"})`,
    );
    return undefined;
  }
  // The normalised form has the settings of the type in an object of their own.
  const merged = isRecord(settings) ? { ...settings, ...rest } : settings == null ? rest : { ...rest, settings };
  let reported = false;
  const normalised = normalise(schemaNode(source.schema), merged, path, {
    ...visit,
    error: (...report) => ((reported = true), visit.error(...report)),
  });
  if (!isRecord(normalised) || reported) return undefined;
  const reason = settingsProblem(source, normalised);
  if (reason === undefined) return { type: type as string, settings: normalised };
  visit.error(path, reason);
  return undefined;
};
