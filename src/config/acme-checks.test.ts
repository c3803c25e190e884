import { describe, expect, it } from "vitest";
import { algorithms } from "../core/balancing/registry.ts";
import { diffConfig } from "./diff.ts";
import { normaliseConfig } from "./normalise.ts";

const plain = { listen: "127.0.0.1:8080", routes: [] };

/** What is said about a listener with these ACME settings. */
function problems(acme: object, others: object = { plain }) {
  const listener = { listen: "127.0.0.1:8443", routes: [], tls: { acme: { agreeToTerms: true, ...acme } } };
  const input = { listeners: { web: listener, ...others } };
  const { problems: found } = normaliseConfig(input, { extensions: { algorithms, filters: [] } });
  return found
    .filter(({ path }) => path.startsWith("listeners.web.tls.acme"))
    .map(({ severity, path, message }) => `${severity} ${path.slice("listeners.web.tls.acme.".length)}: ${message}`);
}

it.each([
  { domains: ["example.com", "www.example.com"] },
  { domains: "Example.COM" },
  { onDemand: ["*.shops.example", "one.example"] },
  { domains: ["*.example.com", "example.com"], challenge: "dns-01", dnsHook: "/usr/local/bin/hook" },
  { domains: "example.com", challenge: "http-01", email: "me@example.com" },
  { domains: "example.com", externalAccount: { keyId: "k", hmacKey: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajV" } },
])("takes %j", (acme) => {
  expect(problems(acme)).toEqual([]);
});

describe("refuses", () => {
  it.each<[object, string]>([
    [{ domains: "a.example", agreeToTerms: false }, "error : `agreeToTerms: true` is required"],
    [{}, "error : names are missing"],
    [{ domains: "a.example", directory: "http://ca.example/dir" }, "error directory: must be an https URL"],
    [{ domains: "*.a.example" }, "error domains[0]: names with a wildcard need `challenge: dns-01`"],
    [{ domains: ["a.example", "A.example"] }, "error domains[1]: the name stands here twice"],
    [{ domains: "192.0.2.1" }, "error domains[0]: not a host name that can be certified"],
    [{ domains: "a.example." }, "without the dot at its end"],
    [{ domains: "bücher.example" }, "xn--"],
    [{ domains: "localhost" }, "error domains[0]: not a host name"],
    [{ domains: Array.from({ length: 101 }, (_, i) => `n${i}.example`) }, "error domains: 101 names are too many"],
    [{ onDemand: "*" }, "error onDemand[0]: not a host name, nor `*.` and one"],
    [{ domains: "a.example", challenge: "dns-01" }, "error challenge: dns-01 needs `dnsHook`"],
    [{ domains: "a.example", email: "nobody" }, "error email: not an address of e-mail"],
    [
      { domains: "a.example", externalAccount: { keyId: "k", hmacKey: "no key!" } },
      "error externalAccount.hmacKey: must be the key in base64url",
    ],
  ])("%j", (acme, expected) => {
    const found = problems(acme);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
    expect(found[0]).not.toContain("no key!");
  });
});

it("does not show the key of an external account in differences", () => {
  const [before, after] = [undefined, { keyId: "kid-1", hmacKey: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajV" }].map(
    (externalAccount) => {
      const acme = { agreeToTerms: true, domains: "a.example", ...(externalAccount && { externalAccount }) };
      const listeners = { web: { listen: "127.0.0.1:8443", tls: { acme } } };
      return normaliseConfig({ listeners }, { extensions: { algorithms, filters: [] } }).config!;
    },
  );
  const texts = diffConfig(before!, after!).map(({ text }) => text);
  expect(texts.join("\n")).toContain("kid-1");
  expect(texts.join("\n")).not.toContain("zWND");
});

describe("warns of", () => {
  it("http-01 without a listener that could answer", () => {
    expect(problems({ domains: "a.example", challenge: "http-01" }, {})).toEqual([
      "warning challenge: no listener without tls is there to answer http-01, which comes to port 80",
    ]);
  });

  it("a hook that is not used", () => {
    expect(problems({ domains: "a.example", dnsHook: "/bin/hook" })).toEqual([
      "warning dnsHook: is not used with tls-alpn-01",
    ]);
  });
});
