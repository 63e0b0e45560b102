import { runProcess } from '../cells/chassis/lifecycle.ts'
import { createLog } from '../cells/chassis/log.ts'
import { createTerminal } from './adapters/terminal.ts'
import { openCluster } from './cluster/cluster.ts'
import { type ForwardOptions, forward } from './commands/forward.ts'

/** Runs `realmctl forward` until the process is told to stop. */
export async function runForward(name: string, options: ForwardOptions): Promise<void> {
  const log = createLog('realmctl', 'warn', { destination: process.stderr })
  const terminal = createTerminal(process.stdout, () => process.kill(process.pid, 'SIGTERM'))
  await runProcess(log, () =>
    forward(name, options, {
      terminal,
      openCluster: () => openCluster(options, process.env),
      now: () => performance.now(),
      random: Math.random,
    }),
  )
}
