// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs it, and first
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { TestAuthority } from "../../../test/support/certificates.ts";
import { normaliseConfig } from "../../config/normalise.ts";
import type { Config } from "../../config/schema.ts";
import type { AcmeConfig } from "../../config/tls-schema.ts";
import { algorithms } from "../../core/balancing/registry.ts";
import type {
  Account,
  Authority,
  AuthorityAddress,
  AuthorityFailure,
  AuthoritySession,
  Authorization,
  Order,
  RenewalInfo,
} from "./authority.ts";
import type { AcmeCertificates, Challenges } from "./certificate-port.ts";

export const DAY = 86_400_000;

/** A refusal as the adapter makes them. */
export function refusal(
  failure: AuthorityFailure["failure"],
  problem: string | null,
  retryAfter: number | null = null,
): AuthorityFailure {
  return Object.assign(new Error(`ca.test: ${problem ?? "no answer"}`), { failure, problem, retryAfter });
}

/** What happened to one order of the fake authority. */
interface Case {
  readonly names: readonly string[];
  readonly url: string;
  status: Order["status"];
  chain: string | null;
  readonly controlled: Set<string>;
}

/** An authority in memory. Every step can be made to fail, and what it was asked is there to be looked at. */
export class FakeAuthority implements Authority {
  readonly accounts = new Map<string, Account>();
  readonly orders: { names: readonly string[]; replaces: string | null }[] = [];
  readonly renewals: string[] = [];
  lifetime = 90 * DAY;
  /** Called before each step; throws to let it fail. */
  before: (step: string, detail: string) => void | Promise<void> = () => undefined;
  /** Looks at a challenge's answer; throws when it is not there. */
  validate: (type: string, name: string, token: string) => void = () => undefined;
  info: RenewalInfo | null = null;
  /** Orders that are under way at this moment, and the most that ever were. */
  running = 0;
  mostRunning = 0;
  readonly #cases = new Map<string, Case>();
  readonly #root: TestAuthority;

  constructor(root: TestAuthority) {
    this.#root = root;
  }

  async open(_address: AuthorityAddress, account: Account, _signal: AbortSignal): Promise<AuthoritySession> {
    await this.before("open", account.url ?? "");
    const url = account.url ?? `https://ca.test/account/${this.accounts.size + 1}`;
    if (account.url === null) this.accounts.set(url, account);
    else if (!this.accounts.has(url)) throw refusal("refused", "accountDoesNotExist");
    return {
      account: url,
      newOrder: (names, replaces) => this.#newOrder(names, replaces),
      order: async (orderUrl) => this.#order(this.#cases.get(orderUrl)!),
      authorization: (authorizationUrl) => this.#authorization(authorizationUrl),
      keyAuthorization: async (token) => `${token}.thumbprint`,
      respond: (challengeUrl) => this.#respond(challengeUrl),
      finalize: (order, csr) => this.#finalize(order, csr),
      certificate: async (orderUrl) => {
        this.running--;
        return this.#cases.get(orderUrl.replace(/\/certificate$/, ""))!.chain!;
      },
    };
  }

  async renewalInfo(_address: AuthorityAddress, id: string): Promise<RenewalInfo | null> {
    this.renewals.push(id);
    await this.before("renewalInfo", id);
    return this.info;
  }

  close(): void {
    this.#cases.clear();
  }

  /** A certificate for a public key, good from an hour ago. */
  async sign(names: readonly string[], publicKey: x509.PublicKeyType): Promise<string> {
    const certificate = await x509.X509CertificateGenerator.create({
      subject: "O=issued",
      issuer: this.#root.x509.subject,
      publicKey,
      signingKey: this.#root.keys.privateKey,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + this.lifetime),
      extensions: [
        new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value }))),
        await x509.AuthorityKeyIdentifierExtension.create(this.#root.keys.publicKey, false, webcrypto),
      ],
    });
    return certificate.toString("pem");
  }

  async #newOrder(names: readonly string[], replaces: string | null): Promise<Order> {
    await this.before("newOrder", replaces ?? "");
    this.orders.push({ names, replaces });
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    const url = `https://ca.test/order/${this.orders.length}`;
    const own: Case = { names, url, status: "pending", chain: null, controlled: new Set() };
    this.#cases.set(url, own);
    return this.#order(own);
  }

  #order({ names, url, status }: Case): Order {
    return {
      url,
      status,
      authorizations: names.map((_, index) => `${url}#${index}`),
      finalize: `${url}/finalize`,
      certificate: status === "valid" ? `${url}/certificate` : null,
      problem: null,
      retryAfter: null,
    };
  }

  async #authorization(url: string): Promise<Authorization> {
    const [order, index] = url.split("#");
    const own = this.#cases.get(order!)!;
    const name = own.names[Number(index)]!.replace(/^\*\./, "");
    const challenges = ["http-01", "tls-alpn-01", "dns-01", "other-01"].map((type) => ({
      type,
      url: `${url}#${type}`,
      token: `token-${index}`,
    }));
    const status = own.controlled.has(url) ? "valid" : own.status === "invalid" ? "invalid" : "pending";
    return {
      name,
      status,
      challenges,
      problem: status === "invalid" ? "unauthorized: nothing there" : null,
      retryAfter: null,
    };
  }

  async #respond(challengeUrl: string): Promise<void> {
    const [order, index, type] = challengeUrl.split("#");
    const own = this.#cases.get(order!)!;
    const name = own.names[Number(index)]!.replace(/^\*\./, "");
    await this.before("respond", name);
    try {
      this.validate(type!, name, `token-${index}`);
      own.controlled.add(`${order}#${index}`);
      if (own.controlled.size === own.names.length) own.status = "ready";
    } catch {
      own.status = "invalid";
      this.running--;
    }
  }

  async #finalize(order: Order, csr: Uint8Array): Promise<Order> {
    await this.before("finalize", order.url);
    const own = this.#cases.get(order.url)!;
    const request = new x509.Pkcs10CertificateRequest(csr as Uint8Array<ArrayBuffer>);
    if (!(await request.verify())) throw refusal("refused", "badCSR");
    own.chain = await this.sign(own.names, request.publicKey);
    own.status = "valid";
    return this.#order(own);
  }
}

/** Certificates in memory, and everything that ACME told about them. */
export class FakeCertificates implements AcmeCertificates {
  readonly kept = new Map<string, { readonly chain: string; readonly key: string }>();
  shown: Readonly<Record<string, readonly string[]>> = {};
  challenges: Challenges = { http: {}, alpn: {} };
  readonly history: Challenges[] = [];
  refuse: string | null = null;

  list() {
    return [...this.kept].map(([id, { chain }]) => ({ id, chain }));
  }

  async put(id: string, certificate: { readonly chain: string; readonly key: string }): Promise<void> {
    if (this.refuse !== null) throw new Error(this.refuse);
    this.kept.set(id, certificate);
  }

  async remove(id: string): Promise<void> {
    this.kept.delete(id);
  }

  async show(assignment: Readonly<Record<string, readonly string[]>>): Promise<void> {
    this.shown = assignment;
  }

  async setChallenges(challenges: Challenges): Promise<void> {
    this.challenges = challenges;
    this.history.push(challenges);
  }
}

/** A configuration whose listeners have these ACME settings, by name. */
export function acmeConfig(listeners: Readonly<Record<string, object>>): Config {
  const entries = Object.entries(listeners).map(([name, acme], index) => {
    const settings = { directory: "https://ca.test/dir", agreeToTerms: true, ...acme };
    return [name, { listen: `127.0.0.1:${9443 + index}`, routes: [], tls: { acme: settings } }];
  });
  const input = { listeners: Object.fromEntries(entries) as object };
  const { config, problems } = normaliseConfig(input, { extensions: { algorithms, filters: [] } });
  const errors = problems.filter(({ severity }) => severity === "error");
  if (config === undefined || errors.length > 0) throw new Error(JSON.stringify(errors));
  return config;
}

/** Settings of one listener, normalised. */
export function acmeSettings(acme: object): AcmeConfig {
  return acmeConfig({ web: acme }).listeners["web"]!.tls!.acme!;
}
