import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Completed {
  name: string;
  summary: string;
  options: {
    flag: string;
    description: string;
    takesValue: boolean;
    repeatable: boolean;
    values: readonly string[];
  }[];
  /** Words that its first argument can be, or its own commands; `files` if it is a file name. */
  words: readonly string[];
  files: boolean;
}

/** A completion script for the commands that `program` has, generated from its own tree. */
export function completionScript(program: Command, shell: Shell): string {
  const commands = program.commands.map(readCommand);
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
  }
}

function readCommand(command: Command): Completed {
  const [argument] = command.registeredArguments;
  return {
    name: command.name(),
    summary: command.summary(),
    options: optionsOf(command),
    words: argument?.argChoices ?? command.commands.map((own) => own.name()),
    files: argument?.name() === 'file',
  };
}

/** The options of a command and of its own commands, each flag once. */
function optionsOf(command: Command): Completed['options'] {
  const all = [command, ...command.commands].flatMap(({ options }) => options.filter((option) => !option.hidden));
  return [...new Map(all.map(readOption).map((option) => [option.flag, option])).values()];
}

function readOption(option: Option): Completed['options'][number] {
  return {
    flag: option.long ?? option.flags,
    description: option.description,
    takesValue: option.required || option.optional,
    repeatable: Array.isArray(option.defaultValue),
    values: option.argChoices ?? [],
  };
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map((command) => {
    const values = command.options
      .filter((option) => option.takesValue)
      .map((option) => `        ${option.flag}) ${bashValues(option.values)} ;;`);
    return [
      `    ${command.name})`,
      '      case "$previous" in',
      ...values,
      `        *) COMPREPLY=($(compgen ${command.files ? '-f ' : ''}-W "${bashWords(command)}" -- "$current")) ;;`,
      '      esac',
      '      ;;',
    ].join('\n');
  });
  return `# nightshift: completion for bash. Use: source <(nightshift completion bash)
_nightshift() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} help --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
}
complete -F _nightshift nightshift`;
}

function bashValues(values: readonly string[]): string {
  return values.length > 0
    ? `COMPREPLY=($(compgen -W "${values.join(' ')}" -- "$current"))`
    : 'COMPREPLY=($(compgen -f -- "$current"))';
}

function bashWords(command: Completed): string {
  return [...command.words, ...command.options.map(({ flag }) => flag), '--help'].join(' ');
}

function zsh(commands: readonly Completed[]): string {
  const list = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`).join('\n');
  const cases = commands.map((command) => {
    const options = command.options.map((option) => `        ${quote(zshOption(option))} \\`);
    const rest = command.words.length > 0 ? `1: :(${command.words.join(' ')})` : command.files ? '1: :_files' : '*: :';
    return `      ${command.name})\n        _arguments \\\n${[...options, `        ${quote(rest)}`].join('\n')}\n        ;;`;
  });
  return `#compdef nightshift
# nightshift: completion for zsh. Use: nightshift completion zsh > "\${fpath[1]}/_nightshift"
_nightshift() {
  local -a commands
  commands=(
${list}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
compdef _nightshift nightshift`;
}

function zshOption(option: Completed['options'][number]): string {
  const description = option.description.replace(/[[\]:]/g, ' ');
  const value = option.values.length > 0 ? `: :(${option.values.join(' ')})` : ': :_files';
  const often = option.repeatable ? '*' : '';
  return `${often}${option.flag}[${description}]${option.takesValue ? value : ''}`;
}

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap((command) => {
    const within = `complete -c nightshift -n '__fish_seen_subcommand_from ${command.name}'`;
    return [
      `complete -c nightshift -f -n __fish_use_subcommand -a ${command.name} -d ${quote(command.summary)}`,
      ...(command.words.length > 0 ? [`${within} -f -a ${quote(command.words.join(' '))}`] : []),
      ...command.options.map((option) => `${within} ${fishOption(option)}`),
    ];
  });
  return ['# nightshift: completion for fish. Use: nightshift completion fish | source', ...lines].join('\n');
}

function fishOption(option: Completed['options'][number]): string {
  const value = option.values.length > 0 ? ` -x -a ${quote(option.values.join(' '))}` : option.takesValue ? ' -r' : '';
  return `-l ${option.flag.replace(/^--/, '')}${value} -d ${quote(option.description)}`;
}

/** Single quotes, so that nothing in a description is read by the shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
