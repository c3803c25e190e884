import { Argument, type Command } from "commander";
import { adminOption } from "./admin-client.ts";
import { callServer, describe, type ServerOptions } from "./server-call.ts";

/** A command that takes a server, with the options that all of them have. */
export function serverCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument("<server>", "its id: the address, unless the configuration gives it another one")
    .option("--pool <name>", "the pool, where several have a server of this id")
    .addOption(adminOption())
    .option("--json", "print the answer as JSON");
}

/** Adds `evenkeel resume`. */
export function registerResume(program: Command): void {
  serverCommand(program, "resume", "take back a drain, maintenance or forced state of a server").action(
    (server: string, options: ServerOptions) => run(server, "resume", options),
  );
}

/** Adds `evenkeel kill`. */
export function registerKill(program: Command): void {
  serverCommand(program, "kill", "close every connection to a server now; it gets new work all the same").action(
    (server: string, options: ServerOptions) => run(server, "kill", options),
  );
}

/** Adds `evenkeel force`. */
export function registerForce(program: Command): void {
  serverCommand(program, "force", "say that a server is up or down, whatever checks and traffic say; auto ends that")
    .addArgument(new Argument("<state>", "what it is to be").choices(["up", "down", "auto"]))
    .action((server: string, state: string, options: ServerOptions) => run(server, state, options));
}

async function run(server: string, action: string, options: ServerOptions): Promise<void> {
  const answer = await callServer(server, action, options);
  process.stdout.write(options.json ? `${JSON.stringify(answer, null, 2)}\n` : `${describe(answer)}\n`);
}
