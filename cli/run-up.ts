import { runProcess, stopAll } from '../cells/chassis/lifecycle.ts'
import { createLog } from '../cells/chassis/log.ts'
import type { LogLevel } from '../cells/chassis/log-level.ts'
import { Metrics } from '../cells/chassis/metrics.ts'
import { startTracing } from '../cells/chassis/start-tracing.ts'
import { givenLivekit } from './adapters/given-livekit.ts'
import { startLocalRealms } from './adapters/local-realms.ts'
import { createRoomBackendChooser } from './adapters/room-backend.ts'
import { StartGarbage } from './adapters/start-garbage.ts'
import { createTerminal } from './adapters/terminal.ts'
import { watchSaves } from './adapters/watch-file.ts'
import { up } from './commands/up.ts'

export interface UpOptions {
  file: string
  port: number
  host: string
  publicUrl?: string
  data: string
  movementPort?: number
  rooms: 'auto' | 'embedded' | 'livekit'
  livekit?: string
  livekitApiKey?: string
  livekitApiSecretFile?: string
  logLevel: LogLevel
}

/**
 * Runs `realmctl up` until the process is told to stop.
 *
 * @param endUnusedEngine called when the realms run: an engine for embedded databases that none of them took is needed no more
 */
export async function runUp(options: UpOptions, endUnusedEngine: () => void): Promise<void> {
  const log = createLog('realmctl', options.logLevel, { destination: process.stderr })
  // When the output is closed, the realms are drained and stopped as after Ctrl-C.
  const terminal = createTerminal(process.stdout, () => process.kill(process.pid, 'SIGTERM'))
  await runProcess(log, async () => {
    const livekit = givenLivekit(options, process.env)
    const roomBackends = createRoomBackendChooser({
      rooms: options.rooms,
      host: options.host,
      env: process.env,
      log,
      ...(livekit && { livekit }),
    })
    const { host, port, publicUrl, data, movementPort } = options
    const { tracer, ...tracing } = await startTracing({ service: 'realmctl', log, metrics: new Metrics('realmctl') })
    const running = await up(options.file, {
      terminal,
      watchSaves,
      garbage: new StartGarbage(),
      startLocalRealms: () => startLocalRealms({ host, port, publicUrl, data, roomBackends, movementPort, log, tracer }),
    })
    endUnusedEngine()
    return stopAll(log, running, tracing)
  })
}
