import { systemClock } from './chassis/clock.ts'
import { UserError } from './chassis/errors.ts'
import { type Running, runProcess } from './chassis/lifecycle.ts'
import { createLog } from './chassis/log.ts'
import { secretFileChanged, secretFilesOf } from './chassis/secret-files.ts'

const mains: Readonly<Record<string, () => Promise<{ main(env: NodeJS.ProcessEnv): Promise<Running | undefined> }>>> = {
  connector: () => import('./connector/main.ts'),
  archipelago: () => import('./archipelago/main.ts'),
  compact: () => import('./compact/main.ts'),
  stats: () => import('./stats/main.ts'),
  gatekeeper: () => import('./gatekeeper/main.ts'),
  'gatekeeper-migrate': () => import('./gatekeeper/migrations/main.ts'),
  'gatekeeper-backup': async () => ({ main: (await import('./gatekeeper/backup/main.ts')).backUpMain }),
  'gatekeeper-restore': async () => ({ main: (await import('./gatekeeper/backup/main.ts')).restoreMain }),
  pulse: () => import('./pulse/main.ts'),
  'realm-provider': () => import('./realm-provider/main.ts'),
}

const name = process.argv[2] ?? ''

const log = createLog(name || 'cells')

const start = async () => {
  const load = mains[name]
  if (!load) throw new UserError(`usage: main <${Object.keys(mains).join('|')}>`, 2)
  return (await load()).main(process.env)
}
// A changed Secret reaches its pods as a changed file; the process restarts with it, without the operator having to read Secrets.
await runProcess(log, start, { outdated: secretFileChanged({ paths: secretFilesOf(process.env), clock: systemClock, log }) })
