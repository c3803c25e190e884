import { Type, type Static } from "typebox";
import type { FilterDefinition, FilterExchange } from "../../core/filtering/filter.ts";
import { stringList } from "../../config/fields.ts";
import { compileTemplate, type HeaderTemplate } from "./header-template.ts";

const Values = (description: string) =>
  Type.Record(Type.String(), Type.String({ "x-check": "headerValue" }), {
    default: {},
    "x-key-check": "headerName",
    description,
  });

const Changes = (whose: string) =>
  Type.Object(
    {
      remove: stringList(`names of fields to take out of the ${whose}`, { default: [], check: "headerName" }),
      set: Values(`name: value; replaces what the ${whose} has of that name`),
      add: Values(`name: value; stands beside what the ${whose} has of that name`),
    },
    { additionalProperties: false, default: {} },
  );

const Settings = Type.Object(
  { request: Changes("request"), response: Changes("response") },
  { additionalProperties: false },
);
type HeaderChanges = Static<typeof Settings>["request"];

/** Fields that say where a message ends or belong to one connection: the proxy alone writes them. */
const FRAMING = /^(?:content-length|transfer-encoding|connection|keep-alive|proxy-connection|te|trailer|upgrade)$/;

/** The head that changes are made to. */
interface Head {
  setHeader(name: string, value: string): void;
  addHeader(name: string, value: string): void;
  removeHeader(name: string): void;
}

/** Changes to one head, compiled; undefined when there are none. */
function compileChanges(
  where: string,
  changes: HeaderChanges,
): ((head: Head, exchange: FilterExchange) => void) | undefined {
  const field = (name: string): string => {
    const lower = name.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower)) throw new Error(`headers.${where}: "${name}" is not a field name`);
    if (FRAMING.test(lower)) throw new Error(`headers.${where}: ${name} is written by the proxy itself`);
    if (where === "request" && lower === "host")
      throw new Error("headers.request: Host is changed by the route's rewrite.host");
    return lower;
  };
  const template = ([name, value]: [string, string]): { name: string; value: HeaderTemplate } => {
    try {
      return { name: field(name), value: compileTemplate(value) };
    } catch (error) {
      throw new Error(`headers.${where}: ${name}: ${(error as Error).message}`, { cause: error });
    }
  };
  const remove = changes.remove.map(field);
  const set = Object.entries(changes.set).map(template);
  const add = Object.entries(changes.add).map(template);
  if (remove.length + set.length + add.length === 0) return undefined;
  return (head, exchange) => {
    for (const name of remove) head.removeHeader(name);
    for (const { name, value } of set) head.setHeader(name, value(exchange));
    for (const { name, value } of add) head.addHeader(name, value(exchange));
  };
}

/** Changes header fields of requests and answers: first it removes, then it sets, then it adds. */
export const headers = {
  kind: "filter",
  name: "headers",
  summary:
    "Removes, sets and adds header fields of the request and of the answer; values may have variables such as %{client}.",
  schema: Settings,
  create: (config) => {
    const request = compileChanges("request", config.request);
    const response = compileChanges("response", config.response);
    return {
      ...(request === undefined ? {} : { onRequestHead: (exchange) => request(exchange.request, exchange) }),
      ...(response === undefined ? {} : { onResponseHead: (exchange) => response(exchange.response, exchange) }),
    };
  },
} satisfies FilterDefinition<Static<typeof Settings>>;
