import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pageOf } from './markdown.ts'

const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** What a command prints about itself, without colours. */
const helpOf = (...command: string[]): string =>
  execFileSync(process.execPath, [program, ...command, '--help'], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  }).trim()

/** docs/reference/realmctl.md: every command with its options. */
export function realmctlReference(): string {
  const overview = helpOf()
  const [, list = ''] = overview.split('Commands:\n')
  const commands = [...list.matchAll(/^ {2}(\w[\w-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
  return pageOf(
    'realmctl',
    [
      '`npx realmctl`, or in this repository `npx node cli/main.ts`. With `kubectl-realm` on PATH it is also `kubectl realm`. What it ends with is in the',
      '[exit codes](codes.md#exit-codes).',
    ].join('\n'),
    fenced(overview),
    ...commands.map((name) => `## realmctl ${name}\n\n${fenced(helpOf(name))}`),
  )
}

const fenced = (text: string): string => `\`\`\`\n${text}\n\`\`\``
