import type { Extensions } from "./extensions.ts";
import { HealthCheckSchema } from "./pool-parts-schema.ts";
import { ConfigSchema } from "./schema.ts";
import { describeSchema, recordValues, schemaNode, type SchemaNode } from "./schema-node.ts";

/** Every key of the configuration with its default and meaning, as Markdown tables: one per object. */
export function configReference(extensions: Extensions): string {
  const sections: string[] = [];
  addSection(sections, "", schemaNode(ConfigSchema));
  for (const algorithm of extensions.algorithms) {
    const aliases = algorithm.aliases?.length ? ` Also called ${algorithm.aliases.map(code).join(", ")}.` : "";
    const key = algorithm.usesHashKey ? " Takes `key`." : "";
    const heading = `### Algorithm \`${algorithm.name}\`\n\n${algorithm.summary}${aliases}${key}\n`;
    sections.push(heading + settingsTable(schemaNode(algorithm.schema)));
  }
  for (const filter of extensions.filters) {
    sections.push(`### Filter \`${filter.name}\`\n\n${filter.summary}\n${settingsTable(schemaNode(filter.schema))}`);
  }
  for (const probe of extensions.probes ?? []) {
    sections.push(`### Health check \`${probe.name}\`\n\n${probe.summary}\n${settingsTable(schemaNode(probe.schema))}`);
  }
  for (const source of extensions.discoveries ?? []) {
    sections.push(`### Discovery \`${source.name}\`\n\n${source.summary}\n${settingsTable(schemaNode(source.schema))}`);
  }
  return `${sections.map((section) => section.trimEnd()).join("\n\n")}\n`;
}

function settingsTable(schema: SchemaNode): string {
  const nested: string[] = [];
  const rows = rowsOf("", schema, nested);
  return rows.length === 0 ? "" : `\n${table(rows)}`;
}

/** What every health check has; the settings of its type stand beside these. */
const healthCheck: SchemaNode = {
  type: "object",
  properties: {
    type: { type: "string", description: "what is checked: one of the types below" },
    ...schemaNode(HealthCheckSchema).properties,
  },
  required: ["type", ...(schemaNode(HealthCheckSchema).required ?? [])],
};

/** A table of an object's keys, then one for each object within it. */
function addSection(sections: string[], path: string, schema: SchemaNode): void {
  const nested: string[] = [];
  const rows = rowsOf(path, schema, nested);
  sections.push(`### ${path === "" ? "Top level" : code(path)}\n\n${table(rows)}`, ...nested);
}

function rowsOf(path: string, schema: SchemaNode, nested: string[]): string[][] {
  return Object.entries(schema.properties ?? {}).map(([key, property]) => {
    const here = path === "" ? key : `${path}.${key}`;
    const inner = innerObject(here, property);
    if (inner !== undefined) addSection(nested, ...inner);
    return [
      code(key),
      kind(property),
      defaultOf(schema, key, property),
      property.description ?? `see ${code(inner?.[0] ?? here)}`,
    ];
  });
}

/** The object that a property is, or has entries of, with the path that documentation gives it. */
function innerObject(path: string, schema: SchemaNode): [string, SchemaNode] | undefined {
  if (schema["x-evenkeel"] === "healthChecks") return [`${path}[]`, healthCheck];
  const branch = schema.anyOf?.find(({ properties }) => properties !== undefined);
  if (branch !== undefined) return [path, branch];
  const values = recordValues(schema);
  if (values?.properties !== undefined) return [`${path}.NAME`, values];
  if (schema.items?.properties !== undefined) return [`${path}[]`, schema.items];
  return schema.properties === undefined ? undefined : [path, schema];
}

function kind(schema: SchemaNode): string {
  switch (schema["x-evenkeel"]) {
    case "duration":
      return "duration";
    case "size":
      return "size";
    case "share":
      return "share";
  }
  if (schema.type === "object" && recordValues(schema) !== undefined) return "names and values";
  return describeSchema(schema).replace(/^(an?|the) /, "");
}

function defaultOf(parent: SchemaNode, key: string, schema: SchemaNode): string {
  if (schema.default !== undefined) return isEmpty(schema.default) ? "" : code(textOf(schema.default));
  const isRequired = parent.required?.includes(key) === true && schema.properties === undefined;
  return isRequired ? "required" : "";
}

function isEmpty(value: unknown): boolean {
  return value === "" || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(rows: readonly string[][]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")));
  const lines = [["key", "value", "default", "meaning"], ["---", "---", "---", "---"], ...cells];
  return lines.map((row) => `| ${row.join(" | ")} |`).join("\n");
}
