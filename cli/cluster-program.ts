import { Argument, Command } from 'commander'
import { exitProcess } from '../cells/chassis/exit-process.ts'
import { version } from '../cells/version.ts'
import { addClusterCommands } from './cluster-commands.ts'
import { addModeratorCommands } from './moderator-commands.ts'
import { addViewCommands } from './view-commands.ts'

/** The commands that look after realms of a cluster; they run no realm and no player on this machine. */
export function createClusterProgram({ hasCompletion = true } = {}): Command {
  const program = emptyProgram('Looks after realms of a cluster, the communications of a virtual world.')
  addViewCommands(program)
  addClusterCommands(program)
  addModeratorCommands(program)
  if (hasCompletion) addCompletionCommands(program, () => createClusterProgram({ hasCompletion: false }))
  return program
}

/** A program without commands. What a command runs is loaded when it runs, so that help, completion and wrong arguments are answered at once. */
export const emptyProgram = (description: string): Command =>
  new Command('realmctl')
    .description(description)
    .version(version)
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
    .exitOverride((error) => exitProcess(error.exitCode === 0 ? 0 : 2))

/** @param completed the program whose commands are completed */
export function addCompletionCommands(program: Command, completed: () => Command): void {
  program
    .command('completion')
    .description(
      'Print the script with which a shell completes commands and options, for example: source <(realmctl completion bash)',
    )
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action(async (shell: (typeof SHELLS)[number]) => (await import('./completion.ts')).printScript(completed(), shell))
  program
    .command('complete', { hidden: true })
    // The name that plugins of kubectl usually have for it.
    .alias('__complete')
    .description('Print what could follow the words of a command line, as the scripts of shells and kubectl read it.')
    .argument('[words...]')
    .helpOption(false)
    .allowUnknownOption()
    .action(async (words: string[]) => (await import('./completion.ts')).suggest(completed(), words))
}

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
