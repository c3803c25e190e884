import { parseJsonCondition, parseJsonPath } from "../core/health/json-conditions.ts";
import { parseCidr } from "../core/net/cidr.ts";
import { parseHostPattern } from "../core/routing/host-pattern.ts";
import { parsePathPattern } from "../core/routing/path-pattern.ts";
import { parseListenAddress, parseResolverAddress, parseServerAddress } from "./address.ts";
import { regexProblem } from "./regex.ts";

/*
 * Rules for texts that JSON Schema cannot say. Each answers why a text is not allowed, or undefined when it is.
 */

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What a field value may hold: visible characters, space, tab and obs-text (RFC 9110 section 5.5). */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export const textChecks = {
  listenAddress: (text) => reasonOf(parseListenAddress(text)),
  serverAddress: (text) => reasonOf(parseServerAddress(text)),
  addressRange: (text) => thrownBy(parseCidr, text),
  regex: regexProblem,
  jsonCondition: (text) => thrownBy(parseJsonCondition, text),
  jsonPath: (text) => thrownBy(parseJsonPath, text),
  pathPattern: checkPathPattern,
  hostPattern: (text) => thrownBy(parseHostPattern, text),
  valuePattern: (text) => (/^!?~/.test(text) ? regexProblem(text.replace(/^!?~/, "")) : undefined),
  method: (text) => (TOKEN.test(text) ? undefined : "not a method name such as GET"),
  headerName: (text) => (TOKEN.test(text) ? undefined : "not a field name (letters, digits and !#$%&'*+-.^_`|~)"),
  headerValue: (text) =>
    FIELD_VALUE.test(text) && text === text.trim()
      ? undefined
      : "a field value has no control characters and no spaces around it",
  responseHeaderName: checkResponseHeaderName,
  cookieName: (text) => (TOKEN.test(text) ? undefined : "not a cookie name (letters, digits and !#$%&'*+-.^_`|~)"),
  name: (text) =>
    /^\w[\w.-]{0,99}$/.test(text) && text !== "__proto__"
      ? undefined
      : "a name has 1 to 100 letters, digits, dots, dashes and underscores, and starts with none of dot and dash",
  serverId: (text) => (/^[\x21-\x7e]{1,200}$/.test(text) ? undefined : "an id has 1 to 200 visible ASCII characters"),
  store: (text) => {
    if (/^(postgres|postgresql|mysql):/.test(text)) return "not available in this version yet; use sqlite:FILE";
    return text === "memory:" || /^sqlite:./.test(text) ? undefined : "a store is memory: or sqlite:FILE";
  },
  resolver: (text) =>
    parseResolverAddress(text) === undefined ? "not an IP address, with or without port: 192.0.2.1:53" : undefined,
  dnsName: checkDnsName,
  authority: (text) =>
    /^[a-z0-9._~-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i.test(text)
      ? undefined
      : "not a host name, with or without port",
  /** What a request asks for: a path with a query if there is one (RFC 9112 section 3.2.1). */
  requestTarget: (text) =>
    /^\/[\x21-\x22\x24-\x7e]*$/.test(text)
      ? undefined
      : "a path starts with a slash and has visible ASCII characters without #",
  hexBytes: (text) =>
    /^([0-9A-Fa-f]{2} ?)+$/.test(text) ? undefined : "bytes have two hexadecimal digits each, as in 0d 0a",
  targetPath: (text) =>
    /^\/[\x21-\x7e]*$/.test(text) && !/[#?]/.test(text)
      ? undefined
      : "a path starts with a slash and has visible ASCII characters without ? and #",
} satisfies Record<string, (text: string) => string | undefined>;

/** Name of a rule, for `x-check` in the schema. */
export type TextCheck = keyof typeof textChecks;

function reasonOf(result: { readonly reason: string } | object): string | undefined {
  return "reason" in result ? result.reason : undefined;
}

/** What a parser of core throws, as a reason. */
function thrownBy(parse: (text: string) => unknown, text: string): string | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    // Those messages begin with the text itself, which ours have in front anyway.
    return (error as Error).message.replace(/^(host |path )?"[^"]*": /, "");
  }
}

function checkDnsName(text: string): string | undefined {
  const name = text.replace(/\.$/, "");
  if (/^[\d.]+$|:/.test(name)) return "not a name: an address needs no look-up";
  const isName = name.length <= 253 && name.split(".").every((label) => /^[a-z0-9_-]{1,63}$/i.test(label));
  return isName ? undefined : "not a name of the DNS";
}

function checkPathPattern(text: string): string | undefined {
  if (text.startsWith("~")) return regexProblem(text.slice(1));
  if (text.length > 2000) return "a path pattern has at most 2000 characters";
  return thrownBy(parsePathPattern, text);
}

/** Evenkeel frames an answer itself; a second opinion in the configuration would break the connection. */
function checkResponseHeaderName(text: string): string | undefined {
  if (!TOKEN.test(text)) return textChecks.headerName(text);
  const own = /^(content-length|transfer-encoding|connection|keep-alive|upgrade|trailer|te|date)$/i.test(text);
  return own ? "Evenkeel sets this field itself" : undefined;
}
