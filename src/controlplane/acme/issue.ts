import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileReason } from "../../config/file-error.ts";
import type { AccountFiles } from "./account-files.ts";
import type { Authority, AuthoritySession, Order } from "./authority.ts";
import { readFacts } from "./certificate-facts.ts";
import type { CertificatePlan } from "./certificate-plan.ts";
import { newRequest } from "./certificate-request.ts";
import type { Log } from "../log.ts";
import { poll } from "./poll.ts";
import { present, type PresentDeps, type Task } from "./present.ts";
import { isProblem } from "./refusal.ts";

export interface IssueDeps extends PresentDeps {
  readonly authority: Authority;
  readonly accounts: AccountFiles;
  readonly log: Log;
}

/** A certificate and its private key, as PEM. */
export interface Issued {
  readonly chain: string;
  readonly key: string;
}

/**
 * One order from the account to the certificate (RFC 8555 7.4). An account that the authority does not know any more is made
 * again, with its old key.
 *
 * @param replaces which certificate it follows (RFC 9773 5), if the authority wants to know; null for none
 * Rejects with an AuthorityFailure, or with an Error for what is ours; with the signal's reason when that fires.
 */
export async function issue(
  plan: CertificatePlan,
  replaces: string | null,
  deps: IssueDeps,
  signal: AbortSignal,
): Promise<Issued> {
  try {
    return await issueOnce(plan, replaces, deps, signal);
  } catch (error) {
    if (!isProblem(error, "accountDoesNotExist")) throw error;
    await deps.accounts.save(plan.settings, null);
    return issueOnce(plan, replaces, deps, signal);
  }
}

async function issueOnce(
  plan: CertificatePlan,
  replaces: string | null,
  deps: IssueDeps,
  signal: AbortSignal,
): Promise<Issued> {
  const session = await openSession(plan, deps, signal);
  const order = await newOrder(session, plan, replaces);
  if (order.status === "pending") await showControl(order, session, plan, deps, signal);
  const ready = await poll(
    () => session.order(order.url),
    ({ status }) => status !== "pending",
    signal,
  );
  fail(ready);
  const { csr, key } = await newRequest(plan.names, plan.settings.keyType);
  const finalized = ready.status === "ready" ? await session.finalize(ready, csr) : ready;
  const valid =
    finalized.status === "valid" && finalized.certificate !== null
      ? finalized
      : await poll(
          () => session.order(order.url),
          ({ status }) => status === "valid" || status === "invalid",
          signal,
        );
  fail(valid);
  if (valid.certificate === null) throw new Error("the authority says that the order is valid, but has no certificate");
  const chain = await session.certificate(valid.certificate);
  check(chain, key, plan.names, deps.wall());
  return { chain, key };
}

async function openSession(plan: CertificatePlan, deps: IssueDeps, signal: AbortSignal): Promise<AuthoritySession> {
  const { settings } = plan;
  const address = { directory: settings.directory, ca: await readAuthorities(settings.ca) };
  const account = await deps.accounts.load(settings);
  const session = await deps.authority.open(address, account, signal);
  await deps.accounts.save(settings, session.account);
  return session;
}

/** PEM files of authorities that may have issued the directory's certificate. */
export async function readAuthorities(paths: readonly string[]): Promise<string[]> {
  return Promise.all(
    paths.map((path) =>
      readFile(path, "utf8").catch((error: unknown) => {
        throw new Error(`${path}: ${fileReason(error)}`, { cause: error });
      }),
    ),
  );
}

async function newOrder(
  session: AuthoritySession,
  { names }: CertificatePlan,
  replaces: string | null,
): Promise<Order> {
  try {
    return await session.newOrder(names, replaces);
  } catch (error) {
    // To say what is replaced is a courtesy: an authority that does not like it gets the order without (RFC 9773 5).
    if (replaces === null || !isProblem(error, "alreadyReplaced", "malformed", "conflict")) throw error;
    return session.newOrder(names, null);
  }
}

function fail({ status, problem }: Order): void {
  if (status === "invalid") throw new Error(problem ?? "the authority has refused the order and does not say why");
}

/** Answers the challenges of all names whose control is not known yet, and waits until the authority has looked. */
async function showControl(
  order: Order,
  session: AuthoritySession,
  { settings }: CertificatePlan,
  deps: IssueDeps,
  signal: AbortSignal,
): Promise<void> {
  const asked: { task: Task; url: string; challenge: string }[] = [];
  for (const url of order.authorizations) {
    const { name, status, challenges, problem } = await session.authorization(url);
    if (status === "valid") continue;
    if (status !== "pending") throw new Error(`${name}: ${problem ?? `the authorization is ${status}`}`);
    const challenge = challenges.find(({ type }) => type === settings.challenge);
    if (challenge === undefined) {
      const offered = challenges.map(({ type }) => type).join(", ");
      throw new Error(`${name}: the authority does not offer ${settings.challenge}, only ${offered || "nothing"}`);
    }
    const { token } = challenge;
    const task = { name, token, keyAuthorization: await session.keyAuthorization(token) };
    asked.push({ task, url, challenge: challenge.url });
  }
  const remove = await present(
    asked.map(({ task }) => task),
    settings,
    deps,
    signal,
  );
  try {
    for (const { challenge } of asked) await session.respond(challenge);
    for (const { task, url } of asked) {
      const { status, problem } = await poll(
        () => session.authorization(url),
        (now) => now.status !== "pending",
        signal,
      );
      if (status !== "valid") throw new Error(`${task.name}: ${problem ?? `the authorization is ${status}`}`);
    }
  } finally {
    const problem = await remove();
    if (problem !== null) deps.log("warn", `acme: the answers to challenges could not be removed: ${problem}`);
  }
}

/** That the certificate is what was ordered, before anything is replaced by it. */
function check(chain: string, key: string, names: readonly string[], now: number): void {
  let facts;
  try {
    facts = readFacts(chain);
  } catch {
    throw new Error("what the authority sent is no certificate");
  }
  const missing = names.filter((name) => !facts.names.includes(name));
  if (missing.length > 0) throw new Error(`the authority's certificate does not have ${missing.join(", ")}`);
  if (facts.notAfter <= now) throw new Error("the authority's certificate has ended already");
  if (!new X509Certificate(chain).checkPrivateKey(createPrivateKey(key)))
    throw new Error("the authority's certificate is for another key");
}
