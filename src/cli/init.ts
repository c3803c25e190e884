import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { fileReason } from "../config/file-error.ts";
import { EXIT } from "./exit-codes.ts";
import { initialConfig } from "./initial-config.ts";

/** Adds `evenkeel init`: writes a commented configuration to start from. */
export function registerInit(program: Command): void {
  program
    .command("init")
    .description("write a commented configuration file")
    .argument("[file]", "where to", "evenkeel.yaml")
    .option("--force", "replace the file when it is there")
    .action(async (file: string, options: { force?: boolean }) => {
      try {
        // The flag makes the check and the writing one step: nobody can put a file there in between.
        await writeFile(file, initialConfig, { flag: options.force === true ? "w" : "wx" });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const reason =
          code === "EEXIST" ? "is there already; --force replaces it" : `cannot be written: ${fileReason(error)}`;
        process.stderr.write(`${file}: ${reason}\n`);
        process.exitCode = EXIT.FAILED;
        return;
      }
      process.stdout.write(`wrote ${file}; next: evenkeel check -c ${file}, then evenkeel run -c ${file}\n`);
    });
}
