import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from './clock.ts'
import type { Signals } from './debug-logging.ts'
import { messageOf } from './errors.ts'
import type { Running } from './lifecycle.ts'
import type { Log } from './log.ts'

/** How long a process is profiled. */
const PROFILE_MS = 30_000
/** Microseconds between two looks at the stack: at most 30 000 in a profile, and about a hundredth of one core. */
const SAMPLING_MICROSECONDS = 1_000
/** Bytes of allocations between two that are recorded. */
const ALLOCATION_INTERVAL_BYTES = 64 * 1024
/** A longer profile is not written. */
const MAX_FILE_BYTES = 64 * 1024 * 1024
/** Two files for each profile; the oldest go first. */
const MAX_FILES = 10

export interface ProfileOptions {
  /** Begins the names of files. */
  service: string
  /** Where profiles are written; undefined = nowhere. */
  folder: string | undefined
  clock: Clock
  log: Log
  signals?: Signals
}

/**
 * Writes two profiles of the next 30 seconds at SIGUSR2: `.cpuprofile`, where the time goes, and `.heapprofile`, what was allocated and is
 * still in use. Chrome and VS Code open both. The process goes on meanwhile: neither needs a copy of the heap, as a snapshot would.
 */
export function profileOnSignal({ service, folder, clock, log, signals = process }: ProfileOptions): Running {
  let isProfiling = false
  let cutShort = () => {}
  let current = Promise.resolve()
  const profile = async (to: string) => {
    const time = new Date(clock.now()).toISOString().replaceAll(':', '-')
    const waited = new Promise<void>((resolve) => {
      const cancel = clock.after(PROFILE_MS, resolve)
      cutShort = () => {
        cancel()
        resolve()
      }
    })
    const files = await profilesOf(waited)
    for (const [ending, content] of Object.entries(files)) {
      const path = join(to, `${service}-${time}.${ending}`)
      if (content.length > MAX_FILE_BYTES) log.warn({ path, bytes: content.length }, 'a profile is too long to be written')
      else {
        await makeRoom(to, service)
        await writeFile(path, content)
        log.info({ path, bytes: content.length }, 'wrote a profile')
      }
    }
  }
  const onSignal = () => {
    if (folder === undefined) return log.warn('nothing was profiled: PROFILE_FOLDER names no folder')
    if (isProfiling) return log.warn('a profile is under way')
    isProfiling = true
    log.info({ seconds: PROFILE_MS / 1_000, folder }, 'profiling')
    current = profile(folder)
      .catch((error: unknown) => log.error({ folder, error: messageOf(error) }, 'could not write a profile'))
      .finally(() => {
        isProfiling = false
      })
  }
  // Also without a folder: a process without a listener would be ended by the signal.
  signals.on('SIGUSR2', onSignal)
  return {
    stop: () => {
      signals.off('SIGUSR2', onSignal)
      cutShort()
      return current
    },
  }
}

/** The content of both files, by their endings. */
async function profilesOf(waited: Promise<void>): Promise<Record<'cpuprofile' | 'heapprofile', string>> {
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS })
    await session.post('HeapProfiler.startSampling', { samplingInterval: ALLOCATION_INTERVAL_BYTES })
    await session.post('Profiler.start')
    await waited
    const cpu = await session.post('Profiler.stop')
    const heap = await session.post('HeapProfiler.stopSampling')
    return { cpuprofile: JSON.stringify(cpu.profile), heapprofile: JSON.stringify(heap.profile) }
  } finally {
    session.disconnect()
  }
}

/** Removes the oldest profiles of this service, so that one more can be written. */
async function makeRoom(folder: string, service: string): Promise<void> {
  const own = (await readdir(folder)).filter((name) => name.startsWith(`${service}-`) && /\.(cpu|heap)profile$/.test(name))
  // The time follows the name of the service, which all of them have in common.
  const surplus = own.toSorted().slice(0, Math.max(0, own.length - MAX_FILES + 1))
  for (const name of surplus) await rm(join(folder, name), { force: true })
}
