import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('main.ts', import.meta.url))

/** Notes every module that Node loads, and writes their addresses to standard error at the end. */
const recorder = `
  import { registerHooks } from 'node:module'
  const loaded = new Set()
  registerHooks({ load: (url, context, next) => (loaded.add(url), next(url, context)) })
  process.on('exit', () => process.stderr.write(JSON.stringify([...loaded])))
`

test('help loads the options and nothing that a command runs', () => {
  const recorded = `data:text/javascript,${encodeURIComponent(recorder)}`
  const script = `"$0" --import "${recorded}" "$1" --help 2>&1 >/dev/null`
  const loaded = JSON.parse(execFileSync('sh', ['-c', script, process.execPath, program], { encoding: 'utf8' })) as string[]
  const packages = loaded.flatMap((url) => /node_modules\/([^/]+)/.exec(url)?.[1] ?? [])
  expect(new Set(packages)).toEqual(new Set(['commander']))
  const own = loaded.filter((url) => url.startsWith('file:') && !url.includes('/node_modules/'))
  expect(own.map((url) => url.replace(/.*\/(cli|cells)\//, '$1/')).toSorted()).toEqual([
    'cells/chassis/base-url.ts',
    'cells/chassis/errors.ts',
    'cells/chassis/exit-process.ts',
    'cells/chassis/log-level.ts',
    'cells/version.ts',
    'cli/cluster-commands.ts',
    'cli/cluster-program.ts',
    'cli/cluster/span.ts',
    'cli/local-commands.ts',
    'cli/main.ts',
    'cli/moderator-commands.ts',
    'cli/option-values.ts',
    'cli/program.ts',
    'cli/run-once.ts',
    'cli/view-commands.ts',
  ])
})
