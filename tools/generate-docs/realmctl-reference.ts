import type { Command } from 'commander'
import { createProgram } from '../../cli/program.ts'
import { jsonReference } from './json-reference.ts'
import { pageOf } from './markdown.ts'

const helpOf = (command: Command): string =>
  command
    .createHelp()
    .formatHelp(command, Object.assign(command.createHelp(), { helpWidth: 80 }))
    .trim()

/** A command and those below it, with their whole names. */
const named = (command: Command, parents: string): { name: string; command: Command }[] => [
  { name: `${parents} ${command.name()}`, command },
  ...command.commands.flatMap((each) => named(each, `${parents} ${command.name()}`)),
]

/** docs/reference/realmctl.md: every command with its options. */
export function realmctlReference(): string {
  const program = createProgram()
  return pageOf(
    'realmctl',
    [
      'From npm it is `npx --package realm-operator realmctl`; in a clone of this repository, `npx node cli/main.ts`. With `kubectl-realm` on PATH it is also',
      '`kubectl realm`. What it ends with is in the [exit codes](codes.md#exit-codes), and what',
      '`-o json` prints is [at the end](#output-for-programs).',
    ].join('\n'),
    fenced(helpOf(program)),
    ...program.commands
      .flatMap((command) => named(command, 'realmctl'))
      .map(({ name, command }) => `## ${name}\n\n${fenced(helpOf(command))}`),
    jsonReference(),
  )
}

const fenced = (text: string): string => `\`\`\`\n${text}\n\`\`\``
