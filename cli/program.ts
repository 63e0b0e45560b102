import type { Command } from 'commander'
import { addClusterCommands } from './cluster-commands.ts'
import { addCompletionCommands, emptyProgram } from './cluster-program.ts'
import { addLocalCommands } from './local-commands.ts'
import { addModeratorCommands } from './moderator-commands.ts'
import { addViewCommands } from './view-commands.ts'

/** All commands with their options. */
export function createProgram({ hasCompletion = true } = {}): Command {
  const program = emptyProgram(
    'Runs realms, the communications of a virtual world, on this machine, and looks after those of a cluster.',
  )
  addLocalCommands(program)
  addViewCommands(program)
  addClusterCommands(program)
  addModeratorCommands(program)
  if (hasCompletion) addCompletionCommands(program, () => createProgram({ hasCompletion: false }))
  return program
}
