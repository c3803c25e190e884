import { Command } from "commander";

/** A command as `--help` lists it. Its own file is imported only when it is used: `--help` must not wait for the rest. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Imports the command's file and adds the command with its options. */
  register(program: Command): Promise<void>;
}

/** Every command, in the order of `--help`. */
export const commands: readonly CommandEntry[] = [
  {
    name: "run",
    summary: "run with a configuration file, in the foreground",
    register: async (program) => (await import("./run.ts")).registerRun(program),
  },
  {
    name: "proxy",
    summary: "run without a file: addresses and servers as options",
    register: async (program) => (await import("./proxy.ts")).registerProxy(program),
  },
  {
    name: "demo",
    summary: "start sample servers and a balancer in front of them",
    register: async (program) => (await import("./demo.ts")).registerDemo(program),
  },
  {
    name: "check",
    summary: "validate a configuration file",
    register: async (program) => (await import("./check.ts")).registerCheck(program),
  },
  {
    name: "init",
    summary: "write a commented configuration file",
    register: async (program) => (await import("./init.ts")).registerInit(program),
  },
  {
    name: "schema",
    summary: "print the JSON Schema of the configuration file",
    register: async (program) => (await import("./schema.ts")).registerSchema(program),
  },
  {
    name: "status",
    summary: "show a running balancer at a glance",
    register: async (program) => (await import("./status.ts")).registerStatus(program),
  },
  {
    name: "servers",
    summary: "list the servers of a running balancer with live counters",
    register: async (program) => (await import("./servers.ts")).registerServers(program),
  },
  {
    name: "drain",
    summary: "give a server no new work and let it finish what it has",
    register: async (program) => (await import("./drain.ts")).registerDrain(program),
  },
  {
    name: "maintenance",
    summary: "take a server out, as drain does, until it is resumed",
    register: async (program) => (await import("./drain.ts")).registerMaintenance(program),
  },
  {
    name: "resume",
    summary: "take back a drain, maintenance or forced state of a server",
    register: async (program) => (await import("./server-commands.ts")).registerResume(program),
  },
  {
    name: "force",
    summary: "say that a server is up or down, whatever checks and traffic say",
    register: async (program) => (await import("./server-commands.ts")).registerForce(program),
  },
  {
    name: "kill",
    summary: "close every connection to a server now",
    register: async (program) => (await import("./server-commands.ts")).registerKill(program),
  },
  {
    name: "reload",
    summary: "make a running balancer read its configuration file again",
    register: async (program) => (await import("./reload.ts")).registerReload(program),
  },
  {
    name: "certificates",
    summary: "list, add or remove certificates of a running balancer",
    register: async (program) => (await import("./certificates.ts")).registerCertificates(program),
  },
  {
    name: "completion",
    summary: "print a completion script for bash, zsh or fish",
    register: async (program) => (await import("./completion.ts")).registerCompletion(program, loadAll),
  },
];

async function loadAll(): Promise<readonly Command[]> {
  const all = new Command("evenkeel");
  for (const { register } of commands) await register(all);
  return all.commands;
}
