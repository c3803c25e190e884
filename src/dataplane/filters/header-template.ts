import type { FilterExchange } from "../../core/filtering/filter.ts";

/** Makes a field value for one exchange. */
export type HeaderTemplate = (exchange: FilterExchange) => string;

/*
 * `%{name}` and not `${name}`, which configuration files use for the environment. No value here can hold a control
 * character: each is checked when the request is read, or comes from the configuration.
 */
const VARIABLES: Readonly<Record<string, HeaderTemplate>> = {
  client: (exchange) => exchange.client,
  host: (exchange) => exchange.request.host,
  id: (exchange) => exchange.id,
  listener: (exchange) => exchange.listener,
  method: (exchange) => exchange.request.method,
  path: (exchange) => exchange.request.path,
  route: (exchange) => exchange.route,
  scheme: (exchange) => (exchange.secure ? "https" : "http"),
  server: (exchange) => exchange.server ?? "",
};

/**
 * Compiles a field value with variables: `%{client}` and so on.
 *
 * @throws Error for a variable that does not exist and for characters that a field value cannot have
 */
export function compileTemplate(text: string): HeaderTemplate {
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(text))
    throw new Error(`"${text}" has a character that a field value cannot have`);
  const parts: (string | HeaderTemplate)[] = text.split(/(%\{[^}]*\})/).map((part) => {
    if (!part.startsWith("%{")) return part;
    const name = part.slice(2, -1);
    if (!Object.hasOwn(VARIABLES, name)) {
      throw new Error(`%{${name}} is not a variable (known: ${Object.keys(VARIABLES).join(", ")})`);
    }
    return VARIABLES[name];
  });
  if (parts.every((part) => typeof part === "string")) return () => text;
  return (exchange) => {
    let value = "";
    for (const part of parts) value += typeof part === "string" ? part : part(exchange);
    return value;
  };
}
