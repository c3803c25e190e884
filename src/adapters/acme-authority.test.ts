import { describe, expect, it } from "vitest";
import { account, json, problem, PROBLEM, startAuthority, type Reply } from "./acme-authority.fixture.ts";

describe("an authority over the network", () => {
  it("gets signed requests: first with the key, then with the account, and with nonces that came with answers", async () => {
    const { open, requests, counts, agents, origin } = await startAuthority();
    const session = await open({ ...account, email: "me@a.test" });
    expect(session.account).toBe(`${origin}/account/7`);
    const order = await session.newOrder(["a.test", "*.a.test"], "replaced.id");
    expect(order).toEqual({
      url: `${origin}/order/1`,
      status: "pending",
      authorizations: [`${origin}/authorization`],
      finalize: `${origin}/f`,
      certificate: null,
      problem: null,
      retryAfter: null,
    });
    const [first, second] = requests;
    expect(first!.header).toMatchObject({ alg: "ES256", url: `${origin}/account`, jwk: { kty: "EC", crv: "P-256" } });
    expect(first!.payload).toEqual({ termsOfServiceAgreed: true, contact: ["mailto:me@a.test"] });
    expect(second!.header).toMatchObject({ kid: `${origin}/account/7` });
    expect(second!.header).not.toHaveProperty("jwk");
    // Without renewal information in the directory, nothing is said to be replaced.
    expect(second!.payload).toEqual({
      identifiers: [
        { type: "dns", value: "a.test" },
        { type: "dns", value: "*.a.test" },
      ],
    });
    expect(new Set(requests.map(({ header }) => header["nonce"])).size).toBe(2);
    expect(counts["/nonce"]).toBe(1);
    expect([...agents]).toEqual(["evenkeel/test"]);
  });

  it("does not register an account that is known, and binds one that an external account stands behind", async () => {
    const { open, requests, origin } = await startAuthority();
    const known = await open({ ...account, url: `${origin}/account/3` });
    expect(known.account).toBe(`${origin}/account/3`);
    expect(requests).toEqual([]);
    await open({ ...account, external: { keyId: "kid-1", hmacKey: Buffer.from("secret key").toString("base64url") } });
    const binding = (requests[0]!.payload as { externalAccountBinding: { protected: string } }).externalAccountBinding;
    expect(JSON.parse(Buffer.from(binding.protected, "base64url").toString())).toEqual({
      alg: "HS256",
      url: `${origin}/account`,
      kid: "kid-1",
    });
    expect(JSON.stringify(requests)).not.toContain("secret key");
  });

  it("is told what is replaced when it has renewal information", async () => {
    const { open, requests } = await startAuthority({}, { renewalInfo: "ORIGIN/renewal" });
    const session = await open();
    await session.newOrder(["a.test"], "replaced.id");
    expect(requests.at(-1)!.payload).toMatchObject({ replaces: "replaced.id" });
  });

  it("may refuse nonces: the request is signed again with the one that came with the refusal", async () => {
    const nonces: unknown[] = [];
    const { open, counts } = await startAuthority({
      "/account": ({ header }) => {
        nonces.push(header["nonce"]);
        if (nonces.length < 8) return { status: 400, headers: PROBLEM, body: problem("badNonce") };
        return { status: 200, headers: { location: "https://ca.test/account/9" } };
      },
    });
    expect((await open()).account).toBe("https://ca.test/account/9");
    expect(nonces).toHaveLength(8);
    expect(new Set(nonces).size).toBe(8);
    expect(counts["/nonce"]).toBe(1);
  });

  it.each<[string, Reply, object]>([
    [
      "limits",
      { status: 429, headers: { ...PROBLEM, "retry-after": "120" }, body: problem("rateLimited") },
      { failure: "limited", problem: "rateLimited", retryAfter: 120_000 },
    ],
    [
      "refuses",
      { status: 403, headers: PROBLEM, body: problem("unauthorized") },
      { failure: "refused", retryAfter: null },
    ],
    [
      "is down for a while",
      { status: 503, headers: { "retry-after": "60" }, body: "<html>sorry</html>" },
      { failure: "unreachable", problem: null, retryAfter: 60_000 },
    ],
    [
      "answers with something else",
      { status: 403, body: "<html>proxy</html>" },
      { failure: "unreachable", problem: null },
    ],
    ["sends no JSON", { headers: { "content-type": "application/json" }, body: "{" }, { failure: "unreachable" }],
    ["redirects", { status: 307, headers: { location: "https://other.test/" } }, { failure: "unreachable" }],
    ["sends too much", { body: "x".repeat(300_000) }, { failure: "unreachable", message: /more than 262144 bytes/ }],
  ])("that %s is an AuthorityFailure", async (_, reply, expected) => {
    const { open } = await startAuthority({ "/account": () => reply });
    const error = (await open().catch((thrown: unknown) => thrown)) as Error;
    const { message, ...fields } = expected as { message?: RegExp };
    expect(error).toMatchObject(fields);
    if (message !== undefined) expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^127\.0\.0\.1:\d+: |no JSON$/);
  });

  it("has its problems told in one line, with the names that they are about, without control characters", async () => {
    const subproblems = [
      { type: "urn:ietf:params:acme:error:caa", detail: "forbidden", identifier: { value: "b.test" } },
    ];
    const body = problem("malformed", { detail: "first\nsecond\u001b[31m" + "x".repeat(5), subproblems });
    const { open } = await startAuthority({ "/order": () => ({ status: 400, headers: PROBLEM, body }) });
    const session = await open();
    await expect(session.newOrder(["a.test"], null)).rejects.toThrow(
      /: malformed: first second \[31mxxxxx; b\.test: caa: forbidden$/,
    );
  });

  it("is asked again for its directory when it does not answer", async () => {
    let asked = 0;
    const { open, counts } = await startAuthority();
    const flaky = await startAuthority({ "/dir": () => (++asked < 2 ? { status: 502 } : { status: 404 }) });
    await open();
    expect(counts["/dir"]).toBe(1);
    const error = await flaky.open().catch((thrown: unknown) => thrown);
    expect(asked).toBeGreaterThanOrEqual(2);
    expect(error).toMatchObject({ failure: "unreachable" });
  });

  it("must have a certificate of a known issuer, and an https URL", async () => {
    const { authority, address, ending } = await startAuthority();
    const unknown = authority.open({ ...address, ca: [] }, account, ending.signal);
    await expect(unknown).rejects.toThrow(/self-signed|unable to/);
    const plain = { directory: "http://127.0.0.1:1/dir", ca: [] };
    await expect(authority.open(plain, account, ending.signal)).rejects.toThrow("is no https URL");
  });

  it("is left alone when the order is given up", async () => {
    const { open, ending } = await startAuthority({
      "/account": () => {
        setImmediate(() => ending.abort(new Error("given up")));
        return { status: 503 };
      },
      "/order": () => ({ status: 500 }),
    });
    await expect(open()).rejects.toThrow();
    await expect(open()).rejects.toThrow("given up");
  });

  it("has its challenges read, other kinds left out, and tokens that are none refused", async () => {
    const challenge = { type: "http-01", url: "https://ca.test/challenge", token: "a-token_1", status: "pending" };
    let challenges: object[] = [{ type: "other-01", status: "pending" }, challenge];
    const { open, origin } = await startAuthority({
      "/authorization": () => ({
        headers: { "content-type": "application/json", "retry-after": "2" },
        body: JSON.stringify({ status: "pending", identifier: { type: "dns", value: "a.test" }, challenges }),
      }),
    });
    const session = await open();
    expect(await session.authorization(`${origin}/authorization`)).toEqual({
      name: "a.test",
      status: "pending",
      challenges: [{ type: "http-01", url: "https://ca.test/challenge", token: "a-token_1" }],
      problem: null,
      retryAfter: 2000,
    });
    expect(await session.keyAuthorization("a-token_1")).toMatch(/^a-token_1\.[\w-]{43}$/);
    challenges = [{ ...challenge, token: "../../etc" }];
    await expect(session.authorization(`${origin}/authorization`)).rejects.toThrow("a token that is none");
    challenges = [{ ...challenge, error: { type: "urn:ietf:params:acme:error:dns", detail: "no address" } }];
    expect((await session.authorization(`${origin}/authorization`)).problem).toBe("dns: no address");
  });
});

describe("renewal information", () => {
  it("is null where the authority has none", async () => {
    const { authority, address, ending } = await startAuthority();
    expect(await authority.renewalInfo(address, "aki.serial", ending.signal)).toBeNull();
  });

  it("is read with its window, its page and when to ask again", async () => {
    const suggestedWindow = { start: "2027-01-02T04:00:00Z", end: "2027-01-03T04:00:00Z" };
    const { authority, address, ending } = await startAuthority(
      {
        "/renewal/aki.serial": () =>
          json({ suggestedWindow, explanationURL: "https://ca.test/why" }, { "retry-after": "21600" }),
      },
      { renewalInfo: "ORIGIN/renewal" },
    );
    expect(await authority.renewalInfo(address, "aki.serial", ending.signal)).toEqual({
      start: Date.parse(suggestedWindow.start),
      end: Date.parse(suggestedWindow.end),
      explanation: "https://ca.test/why",
      retryAfter: 21_600_000,
    });
  });

  it.each([{}, { suggestedWindow: null }, { suggestedWindow: { start: "soon", end: "later" } }])(
    "that has no window is refused: %j",
    async (body) => {
      const { authority, address, ending } = await startAuthority(
        { "/renewal/aki.serial": () => json(body) },
        { renewalInfo: "ORIGIN/renewal" },
      );
      await expect(authority.renewalInfo(address, "aki.serial", ending.signal)).rejects.toThrow("has no window");
    },
  );
});
