import { Command } from 'commander'
import { version } from '../cells/version.ts'
import { addClusterCommands } from './cluster-commands.ts'
import { addLocalCommands } from './local-commands.ts'
import { addModeratorCommands } from './moderator-commands.ts'

/**
 * All commands with their options. What a command runs is loaded when it runs, so that help, completion and wrong arguments are
 * answered at once.
 */
export function createProgram(): Command {
  const program = new Command('realmctl')
    .description('Runs realms, the communications of a virtual world, on this machine, and looks after those of a cluster.')
    .version(version)
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  addLocalCommands(program)
  addClusterCommands(program)
  addModeratorCommands(program)
  return program
}
