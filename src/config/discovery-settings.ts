import { nearestName } from "./nearest.ts";
import type { DiscoveryConfig } from "./pool-parts-schema.ts";
import { schemaNode } from "./schema-node.ts";
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
  const own = schemaNode(source.schema);
  const nested = isRecord(settings) && own.properties?.settings === undefined;
  const normalised = normalise(own, nested ? { ...settings, ...rest } : rest, path, visit);
  return isRecord(normalised) ? { type: type as string, settings: normalised } : undefined;
};
