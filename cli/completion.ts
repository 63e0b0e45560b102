import tab from '@bomb.sh/tab/commander'
import type { Command } from 'commander'

/** Prints the script that a shell has to load. @param program with its commands, but without those of completion */
export function printScript(program: Command, shell: 'bash' | 'zsh' | 'fish' | 'powershell'): void {
  completionsOf(program).setup('realmctl', 'realmctl', shell)
}

/**
 * Prints what could follow, as the scripts and kubectl read it: a line for each word, with a tab before its description, and a colon
 * with a number at the end.
 *
 * @param program as for `printScript`
 * @param words of the command line after the name of the program; the last one is incomplete
 */
export function suggest(program: Command, words: readonly string[]): void {
  completionsOf(program).parse([...words])
}

const completionsOf = (program: Command) => tab(program, { completionCommandName: 'completion' })
