import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { fileReason } from "../config/file-error.ts";
import { adminOption, askAdmin, type AdminOptions } from "./admin-client.ts";
import { askOrders, certificateLines, type CertificateEntry, type CertificateLine } from "./certificate-entries.ts";
import { UsageError } from "./failure.ts";
import { tableLines } from "./table.ts";

interface AddOptions extends AdminOptions {
  readonly cert: string;
  readonly key: string;
}

/** Adds `evenkeel certificates` with `list` (which is also meant without a word), `add` and `remove`. */
export function registerCertificates(program: Command): void {
  const command = program
    .command("certificates")
    .description("list, add or remove certificates of a running balancer")
    .usage("[list | add NAME --cert FILE --key FILE | remove NAME] [options]");
  withAdmin(command.command("list", { isDefault: true }).description("list them: names, end, state")).action(list);
  withAdmin(
    command
      .command("add")
      .description("add a certificate, or replace the one of this name")
      .argument("<name>", "its name in the store: letters, digits, dots and hyphens")
      .requiredOption("--cert <file>", "the certificate, then the intermediate ones (PEM)")
      .requiredOption("--key <file>", "its private key (PEM)"),
  ).action(add);
  withAdmin(
    command
      .command("remove")
      .description("remove a certificate that was added")
      .argument("<name>", "its name, or its id as the list shows it"),
  ).action(remove);
}

function withAdmin(command: Command): Command {
  return command.addOption(adminOption()).option("--json", "print the answer as JSON");
}

async function list({ admin, json }: AdminOptions): Promise<void> {
  const answer = (await askAdmin(admin, "GET", "/api/v2/certificates", "certificates")) as {
    certificates: CertificateEntry[];
    problems: string[];
  };
  if (json) {
    process.stdout.write(asJson(answer));
    return;
  }
  for (const problem of answer.problems) process.stderr.write(`warning: ${problem}\n`);
  process.stdout.write(table(certificateLines(answer.certificates, await askOrders(admin))));
}

async function add(name: string, { admin, json, cert, key }: AddOptions): Promise<void> {
  const body = { cert: await text(cert, "--cert"), key: await text(key, "--key") };
  const answer = (await askAdmin(admin, "PUT", path(name), "id", body)) as CertificateEntry;
  for (const warning of answer.warnings) process.stderr.write(`warning: ${warning}\n`);
  process.stdout.write(json ? asJson(answer) : `${answer.id}: ${answer.names.join(", ")}, until ${answer.notAfter}\n`);
}

async function remove(name: string, { admin, json }: AdminOptions): Promise<void> {
  const answer = (await askAdmin(admin, "DELETE", path(name), "removed")) as { removed: string };
  process.stdout.write(json ? asJson(answer) : `${answer.removed} is removed\n`);
}

function path(name: string): string {
  return `/api/v2/certificates/${encodeURIComponent(name)}`;
}

async function text(file: string, option: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`${option}: ${file} cannot be read: ${fileReason(error)}`);
  }
}

function asJson(answer: unknown): string {
  return `${JSON.stringify(answer, null, 2)}\n`;
}

/** Names that a line shows; --json has all of them. */
const MOST_NAMES = 3;

function table(lines: readonly CertificateLine[]): string {
  const rows = lines.map(({ id, names, keyType, until, listeners, status, why }) => [
    id,
    names.length > MOST_NAMES ? `${names.slice(0, MOST_NAMES).join(",")},…` : names.join(","),
    keyType,
    until,
    listeners.join(",") || "-",
    status,
    why,
  ]);
  return `${tableLines(["ID", "NAMES", "KEY", "UNTIL", "LISTENERS", "STATUS", "WHY"], rows).join("\n")}\n`;
}
