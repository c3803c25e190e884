import { Option, type Command } from "commander";
import { configJsonSchema } from "../config/json-schema.ts";
import { configReference } from "../config/reference.ts";
import { builtIn } from "../main/built-in.ts";

/** Adds `evenkeel schema`: prints the JSON Schema of the configuration file, or its reference as Markdown. */
export function registerSchema(program: Command): void {
  program
    .command("schema")
    .description("print the JSON Schema of the configuration file")
    .addOption(
      new Option("--format <format>", "json, or markdown for the reference")
        .choices(["json", "markdown"])
        .default("json"),
    )
    .action(({ format }: { format: "json" | "markdown" }) => {
      const text =
        format === "json" ? `${JSON.stringify(configJsonSchema(builtIn), null, 2)}\n` : configReference(builtIn);
      process.stdout.write(text);
    });
}
