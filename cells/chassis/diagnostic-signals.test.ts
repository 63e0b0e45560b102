import { EventEmitter } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { ManualClock } from './clock.ts'
import { diagnosticSignals } from './diagnostic-signals.ts'
import { createLog } from './log.ts'
import type { LogLevel } from './log-level.ts'

/** A process that receives the signals of the test. */
function aProcess({ level, folder }: { level?: LogLevel; folder?: string } = {}) {
  const lines: { msg: string; level: string }[] = []
  const destination = new Writable({
    write: (line, _, done) => {
      // A field with the name of one that each line has would hide it.
      expect(String(line).match(/"level":/g)).toHaveLength(1)
      lines.push(JSON.parse(String(line)))
      done()
    },
  })
  const log = createLog('test', level, { destination })
  const [clock, signals] = [new ManualClock(), new EventEmitter()]
  const running = diagnosticSignals({ service: 'test', folder, clock, log, signals })
  onTestFinished(() => running.stop())
  return { log, clock, signals, running, messages: () => lines.map(({ msg }) => msg) }
}

test('SIGUSR1 logs everything for ten minutes', () => {
  const { log, clock, signals, messages } = aProcess()
  log.debug('before')
  signals.emit('SIGUSR1')
  clock.advance(10 * 60_000 - 1)
  log.debug('meanwhile')
  clock.advance(1)
  log.debug('afterwards')
  expect([log.level, messages().filter((text) => /^\w+$/.test(text))]).toEqual(['info', ['meanwhile']])
})

test('a second SIGUSR1 brings the configured level back at once, and a third one begins ten minutes anew', () => {
  const { log, clock, signals } = aProcess({ level: 'error' })
  const levels = [1, 2, 3].map(() => {
    signals.emit('SIGUSR1')
    clock.advance(9 * 60_000)
    return log.level
  })
  expect(levels).toEqual(['debug', 'error', 'debug'])
  clock.advance(60_000)
  expect(log.level).toBe('error')
})

test('SIGUSR2 writes what the process does in the next thirty seconds, and what it allocates', async () => {
  const folder = await freshFolder()
  const { clock, signals, messages } = aProcess({ folder })
  signals.emit('SIGUSR2')
  signals.emit('SIGUSR2')
  expect(messages()).toEqual(['profiling', 'a profile is under way'])
  // The profiler starts a little later.
  await vi.waitFor(() => {
    clock.advance(30_000)
    expect(messages().filter((text) => text === 'wrote a profile')).toHaveLength(2)
  })
  const files = (await readdir(folder)).toSorted()
  expect(files.map((name) => name.split('.').at(-1))).toEqual(['cpuprofile', 'heapprofile'])
  const [cpu, heap] = await Promise.all(files.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))))
  expect(cpu.nodes[0].callFrame.functionName).toBe('(root)')
  expect(heap.head.callFrame.functionName).toBe('(root)')
})

test('a stop ends a profile early and writes it', async () => {
  const folder = await freshFolder()
  const { signals, running } = aProcess({ folder })
  signals.emit('SIGUSR2')
  await running.stop()
  expect(await readdir(folder)).toHaveLength(2)
  expect(signals.eventNames()).toEqual([])
})

test('ten files of a service are kept, and those of others', async () => {
  const folder = await freshFolder()
  const old = Array.from({ length: 11 }, (_, index) => `test-20${10 + index}-01-01T00-00-00.000Z.cpuprofile`)
  for (const name of [...old, 'notes.cpuprofile']) await writeFile(join(folder, name), '')
  const { signals, running } = aProcess({ folder })
  signals.emit('SIGUSR2')
  await running.stop()
  const kept = (await readdir(folder)).toSorted()
  expect(kept).toHaveLength(11)
  expect(kept).toContain('notes.cpuprofile')
  expect(kept.filter((name) => old.includes(name))).toEqual(old.slice(3))
})

test('without a folder, or with one that cannot be written, nothing happens but a line in the log', async () => {
  const { signals, messages } = aProcess()
  signals.emit('SIGUSR2')
  expect(messages()).toEqual(['nothing was profiled: PROFILE_FOLDER names no folder'])
  const other = aProcess({ folder: '/proc/no-such-folder' })
  other.signals.emit('SIGUSR2')
  await other.running.stop()
  expect(other.messages()).toEqual(['profiling', 'could not write a profile'])
})
