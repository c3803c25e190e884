import { Type, type Static } from "typebox";
import { duration, stringList } from "../../config/fields.ts";
import type { Answer, FilterDefinition, FilterExchange } from "../../core/filtering/filter.ts";

const Settings = Type.Object(
  {
    allowedOrigins: stringList("https://app.example.com, https://*.example.com (any depth below), or * for everybody", {
      default: [],
    }),
    allowedMethods: stringList("methods beyond GET, HEAD and POST that other origins may use", {
      default: [],
      check: "method",
    }),
    allowedHeaders: stringList("request fields that other origins may send", { default: [], check: "headerName" }),
    exposedHeaders: stringList("answer fields that other origins may read", { default: [], check: "headerName" }),
    allowCredentials: Type.Boolean({
      default: false,
      description: "let other origins use cookies and logins; not with *",
    }),
    maxAge: duration("10m", "how long a browser may keep the answer to its question"),
  },
  { additionalProperties: false },
);

const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:\*\.)?(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;
const OWN_FIELDS = ["access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"];

/**
 * Cross-origin requests by a strict list of origins (Fetch standard, CORS protocol). Preflights are answered here and
 * never reach a server; the servers' own fields of this kind are replaced, so that there is one policy. It decides
 * what browsers let other sites read: it keeps nobody from sending requests.
 */
export const cors = {
  kind: "filter",
  name: "cors",
  summary: "Answers CORS preflights and lets the listed origins read answers.",
  schema: Settings,
  create: (config) => {
    const isAllowed = compileOrigins(config.allowedOrigins, config.allowCredentials);
    // With one answer for everybody a cache may give it to everybody.
    const everybody = config.allowedOrigins.includes("*");
    const methods = [...new Set(["GET", "HEAD", "POST", ...config.allowedMethods])].join(", ");
    const requestFields = config.allowedHeaders.join(", ");
    const exposed = config.exposedHeaders.join(", ");
    const maxAge = String(Math.floor(config.maxAge / 1000));

    const originOf = (exchange: FilterExchange): string | undefined => {
      const origin = exchange.request.header("origin");
      return origin !== undefined && isAllowed(origin) ? origin : undefined;
    };

    const preflight = (exchange: FilterExchange): Answer => {
      const origin = originOf(exchange);
      const headers: Record<string, string> = {
        vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
      };
      // An origin that is not in the list learns nothing, which is a refusal for the browser.
      if (origin === undefined) return { status: 204, headers };
      headers["access-control-allow-origin"] = everybody ? "*" : origin;
      headers["access-control-allow-methods"] = methods;
      headers["access-control-max-age"] = maxAge;
      if (requestFields !== "") headers["access-control-allow-headers"] = requestFields;
      if (config.allowCredentials) headers["access-control-allow-credentials"] = "true";
      return { status: 204, headers };
    };

    return {
      onRequestHead: (exchange) => {
        const { request } = exchange;
        const isPreflight =
          request.method === "OPTIONS" &&
          request.header("origin") !== undefined &&
          request.header("access-control-request-method") !== undefined;
        return isPreflight ? preflight(exchange) : undefined;
      },
      onResponseHead: (exchange) => {
        const { request, response } = exchange;
        // The answer to a preflight passes here, too, and is complete.
        if (request.method === "OPTIONS" && request.header("access-control-request-method") !== undefined) return;
        for (const name of OWN_FIELDS) response.removeHeader(name);
        if (!everybody) response.addHeader("vary", "Origin");
        const origin = originOf(exchange);
        if (origin === undefined) return;
        response.setHeader("access-control-allow-origin", everybody ? "*" : origin);
        if (exposed !== "") response.setHeader("access-control-expose-headers", exposed);
        if (config.allowCredentials) response.setHeader("access-control-allow-credentials", "true");
      },
    };
  },
} satisfies FilterDefinition<Static<typeof Settings>>;

/**
 * @returns whether an Origin value is in the list; `null` (sandboxed pages, files) never is
 * @throws Error for an entry that no browser sends and for credentials with `*`
 */
function compileOrigins(list: readonly string[], allowCredentials: boolean): (origin: string) => boolean {
  if (list.includes("*")) {
    if (allowCredentials)
      throw new Error("cors: allowCredentials needs a list of origins; * would give every site the users' logins");
    return () => true;
  }
  const exact = new Set<string>();
  const wild: { readonly scheme: string; readonly rest: string }[] = [];
  for (const entry of list) {
    const origin = entry.toLowerCase();
    if (!ORIGIN.test(origin)) throw new Error(`cors: "${entry}" is not an origin such as https://app.example.com`);
    const star = origin.indexOf("*");
    if (star < 0) exact.add(origin);
    else wild.push({ scheme: origin.slice(0, star), rest: origin.slice(star + 1) });
  }
  return (origin) => {
    if (exact.has(origin)) return true;
    if (wild.length === 0 || !ORIGIN.test(origin)) return false;
    return wild.some(({ scheme, rest }) => {
      return origin.length > scheme.length + rest.length && origin.startsWith(scheme) && origin.endsWith(rest);
    });
  };
}
