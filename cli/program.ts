import { Argument, Command } from 'commander'
import { version } from '../cells/version.ts'
import { addClusterCommands } from './cluster-commands.ts'
import { addLocalCommands } from './local-commands.ts'
import { addModeratorCommands } from './moderator-commands.ts'

/**
 * All commands with their options. What a command runs is loaded when it runs, so that help, completion and wrong arguments are
 * answered at once.
 */
export function createProgram({ hasCompletion = true } = {}): Command {
  const program = new Command('realmctl')
    .description('Runs realms, the communications of a virtual world, on this machine, and looks after those of a cluster.')
    .version(version)
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  addLocalCommands(program)
  addClusterCommands(program)
  addModeratorCommands(program)
  if (hasCompletion) addCompletionCommands(program)
  return program
}

function addCompletionCommands(program: Command): void {
  program
    .command('completion')
    .description(
      'Print the script with which a shell completes commands and options, for example: source <(realmctl completion bash)',
    )
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action(async (shell: (typeof SHELLS)[number]) =>
      (await import('./completion.ts')).printScript(createProgram({ hasCompletion: false }), shell),
    )
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action(async (words: string[]) => (await import('./completion.ts')).suggest(createProgram({ hasCompletion: false }), words))
}

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
