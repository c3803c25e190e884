import { Argument, type Command, type Option } from "commander";

/** Adds `evenkeel completion`: the script to be evaluated by the shell. `loadAll` gives all commands with their options. */
export function registerCompletion(program: Command, loadAll: () => Promise<readonly Command[]>): void {
  program
    .command("completion")
    .description("print a completion script for bash, zsh or fish")
    .addArgument(new Argument("<shell>", 'bash: eval "$(evenkeel completion bash)"').choices(["bash", "zsh", "fish"]))
    .action(async (shell: "bash" | "zsh" | "fish") => {
      process.stdout.write(scripts[shell](await loadAll()));
    });
}

const scripts: Readonly<Record<"bash" | "zsh" | "fish", (list: readonly Command[]) => string>> = { bash, zsh, fish };

function bash(list: readonly Command[]): string {
  const cases = list.map((command) => {
    const actions = command.commands.length === 0 ? "" : ` actions="${actionNames(command).join(" ")}"`;
    return `    ${command.name()}) words="${flags(command).join(" ")}"${actions} ;;`;
  });
  return `_evenkeel() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words actions=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${list.map((command) => command.name()).join(" ")} help" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    *) words="" ;;
  esac
  if [ "$COMP_CWORD" -eq 2 ] && [ -n "$actions" ] && [ "\${word#-}" = "$word" ]; then
    COMPREPLY=($(compgen -W "$actions" -- "$word"))
    return
  fi
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _evenkeel evenkeel
`;
}

function zsh(list: readonly Command[]): string {
  const names = list.map((command) => `    '${command.name()}:${quoted(command.description())}'`);
  const cases = list.map((command) => {
    const entries = options(command).map(
      (option) => `'${option.long}[${quoted(option.description)}]${option.required ? ":value:_files" : ""}'`,
    );
    if (command.commands.length > 0) entries.push(`'1:action:(${actionNames(command).join(" ")})'`);
    return `    ${command.name()}) _arguments ${[...entries, "'*:file:_files'"].join(" ")} ;;`;
  });
  return `#compdef evenkeel
_evenkeel() {
  local -a names
  names=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command names
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
${cases.join("\n")}
  esac
}
compdef _evenkeel evenkeel
`;
}

function fish(list: readonly Command[]): string {
  const lines = list.flatMap((command) => [
    `complete -c evenkeel -n __fish_use_subcommand -a ${command.name()} -d '${quoted(command.description())}'`,
    ...command.commands.map((action) => {
      const condition = `__fish_seen_subcommand_from ${command.name()}`;
      return `complete -c evenkeel -n '${condition}' -a ${action.name()} -d '${quoted(action.description())}'`;
    }),
    ...options(command).map((option) => {
      const long = option.long?.slice(2) ?? "";
      const value = option.required ? " -r" : "";
      return `complete -c evenkeel -n '__fish_seen_subcommand_from ${command.name()}' -l ${long}${value} -d '${quoted(option.description)}'`;
    }),
  ]);
  return `${lines.join("\n")}\n`;
}

/** Actions of a command that has some, as `add` of `certificates`. */
function actionNames(command: Command): string[] {
  return command.commands.map((action) => action.name());
}

/** The options of a command and of its actions, each once. */
function options(command: Command): Option[] {
  const all = [command, ...command.commands].flatMap((one) => one.options);
  return [...new Map(all.map((option) => [option.long, option])).values()];
}

function flags(command: Command): string[] {
  return [...options(command).flatMap(({ short, long }) => [short, long]), "--help"].filter(
    (flag) => flag !== undefined,
  );
}

/** For single quotes in all three shells, and for the brackets and colons that zsh gives a meaning. */
function quoted(text: string): string {
  return text.replaceAll("'", "").replaceAll(/[[\]:]/g, " ");
}
