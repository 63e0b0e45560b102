import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { expect, test, vi } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { type FromRelay, RelaySupervisor, type Restart } from './relay-supervisor.ts'

/** A supervisor of processes that do only what the test lets them do. */
function aSupervisor() {
  const clock = new ManualClock()
  const happened: string[] = []
  const children: EventEmitter[] = []
  const named = (restart?: Restart) => (restart ? `restart ${restart.number} at ${restart.port}` : 'start')
  const supervisor = new RelaySupervisor({
    start: (restart) => {
      happened.push(named(restart))
      const child = Object.assign(new EventEmitter(), {
        connected: true,
        send: (message: string) => happened.push(message),
        kill: (signal: string) => happened.push(signal),
      })
      children.push(child)
      return child as unknown as ChildProcess
    },
    openPort: async (restart) => {
      happened.push(`port opened at ${named(restart)}`)
      return { close: async () => void happened.push('port closed') }
    },
    exit: (code) => happened.push(`exit ${code}`),
    ...{ clock, log: silentLog },
  })
  const tell = async (message: FromRelay) => {
    children.at(-1)?.emit('message', message)
    await new Promise(setImmediate)
  }
  const serves = async () => {
    await tell({ kind: 'needsPort' })
    await tell({ kind: 'serving', port: 7_777, stopDeadlineMs: 30_000 })
    happened.length = 0
  }
  const ends = (code: number | null, signal: NodeJS.Signals | null) => void children.at(-1)?.emit('exit', code, signal)
  return { supervisor, clock, happened, tell, serves, ends }
}

test('the port is held until the relay needs it', async () => {
  const { happened, tell } = aSupervisor()
  expect(happened).toEqual(['port opened at start', 'start'])
  await tell({ kind: 'needsPort' })
  expect(happened.slice(2)).toEqual(['port closed', 'portIsFree'])
})

test.each([
  [null, 'SIGKILL' as const],
  [null, 'SIGABRT' as const],
  [70, null],
])(
  'a relay that ends with code %s or signal %s after it has served is started again at its port, each time',
  async (code, signal) => {
    const { happened, serves, ends } = aSupervisor()
    for (const number of [1, 2]) {
      await serves()
      ends(code, signal)
      expect(happened).toEqual([`port opened at restart ${number} at 7777`, `restart ${number} at 7777`])
    }
  },
)

test('a relay that ends on purpose, or before it serves, ends its supervisor with it', async () => {
  for (const [isServing, code, signal, exit] of [
    [false, 2, null, 2],
    [false, null, 'SIGKILL', 137],
    [false, 70, null, 70],
    [true, 0, null, 0],
    [true, 5, null, 5],
  ] as const) {
    const { happened, serves, ends } = aSupervisor()
    if (isServing) await serves()
    ends(code, signal)
    expect(happened.at(-1)).toBe(`exit ${exit}`)
  }
})

test('a relay that crashes again and again is left to the platform', async () => {
  const { clock, happened, serves, ends } = aSupervisor()
  const crash = async () => {
    await serves()
    ends(null, 'SIGSEGV')
    return happened.at(-1)
  }
  for (const number of [1, 2, 3]) expect(await crash()).toBe(`restart ${number} at 7777`)
  clock.advance(60_000)
  expect(await crash()).toBe('restart 4 at 7777')
  clock.advance(30_000)
  expect(await crash()).toBe('exit 139')
})

test('a request to stop is passed on, the relay is waited for as long as it needs, and not started again', async () => {
  const { supervisor, happened, serves, ends } = aSupervisor()
  await serves()
  expect(supervisor.stopDeadlineMs).toBe(35_000)
  const stopped = vi.fn()
  const stopping = supervisor.stop().then(stopped)
  await new Promise(setImmediate)
  expect([happened, stopped.mock.calls.length]).toEqual([['SIGTERM'], 0])
  ends(0, null)
  await stopping
  expect(happened).toEqual(['SIGTERM'])
})

test('a signal for its administrator reaches the relay once that serves', async () => {
  const { supervisor, happened, serves } = aSupervisor()
  supervisor.signal('SIGUSR2')
  expect(happened).not.toContain('SIGUSR2')
  await serves()
  supervisor.signal('SIGUSR2')
  expect(happened).toEqual(['SIGUSR2'])
})
