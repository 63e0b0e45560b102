import { pino } from 'pino'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { aTransport, someConfig, turns } from './archipelago/fixtures.ts'
import { startArchipelago } from './archipelago/service.ts'
import { GuardedBus } from './bus/guarded-bus.ts'
import { createMemoryBus } from './bus/memory.ts'
import { BugReporter } from './chassis/bug-reporter.ts'
import { ManualClock } from './chassis/clock.ts'
import { silentLog } from './chassis/log.ts'
import { Metrics } from './chassis/metrics.ts'
import { readConfig } from './connector/config.ts'
import { aBus, aVerifier } from './connector/fixtures.ts'
import { startConnector } from './connector/service.ts'
import { startRooms } from './rooms/service.ts'
import { startStats } from './stats/service.ts'
import { withFencingToken } from './wire/extension-fields.ts'
import { FencingTokens, TermFence } from './wire/fencing-token.ts'
import { encodeLeaderHeartbeat } from './wire/leader-heartbeat.ts'
import { busPayloads } from './wire/packets.ts'
import { subjects } from './wire/subjects.ts'

afterEach(() => vi.restoreAllMocks())

const NOW = 1_760_000_000_000
const at = subjects('')
const term = new FencingTokens().next(NOW - 1, 'hostile')
const leaderHeartbeat = { subject: at.leaderHeartbeat, payload: encodeLeaderHeartbeat({ term, leaseMs: 1_000 }) }
const islands = { subject: at.islands, payload: withFencingToken(busPayloads.encodeIslands({ data: [] }), term) }

/** A log whose lines are kept. */
function aLog() {
  const lines: { msg: string; subject?: string }[] = []
  return { lines, log: pino({ level: 'error' }, { write: (line: string) => lines.push(JSON.parse(line)) }) }
}

const services = {
  connector: (deps: Deps) => startConnector(readConfig({ NATS_URL: 'nats://unused' }), { ...deps, verifier: aVerifier() }),
  rooms: (deps: Deps) => startRooms({ scope: '', drainSeconds: 0 }, { ...deps, verifier: aVerifier() }),
  archipelago: (deps: Deps) =>
    startArchipelago(someConfig({}), { ...deps, transport: aTransport(), bootId: 'boot', alone: false }),
  stats: (deps: Deps) => startStats({ BUS_SCOPE: '', COMMIT_HASH: '', CURRENT_VERSION: '' }, deps),
}
type Deps = Parameters<typeof startStats>[1]

test.each([
  ['connector', leaderHeartbeat],
  ['rooms', leaderHeartbeat],
  ['archipelago', leaderHeartbeat],
  ['stats', islands],
] as const)(
  'an exception at a message ends neither the process nor the subscription of %s, and is logged once',
  async (name, message) => {
    const { lines, log } = aLog()
    const [bus, clock, metrics] = [createMemoryBus(silentLog), new ManualClock(NOW), new Metrics(name)]
    const service = await services[name]({ bus, log, clock, metrics })
    onTestFinished(async () => {
      const stopped = service.stop()
      for (let i = 0; i < 100; i++) {
        clock.advance(100)
        await turns()
      }
      await stopped
    })
    const accepts = vi.spyOn(TermFence.prototype, 'accepts').mockImplementation(() => {
      throw new Error('a bug')
    })
    for (let n = 0; n < 3; n++) bus.publish(message.subject, message.payload)
    await turns()
    expect(accepts).toHaveBeenCalledTimes(3)
    expect(await metrics.registry.metrics()).toContain(`realm_${name}_bugs_total{scope="message"} 3`)
    expect(lines).toMatchObject([{ msg: 'an unexpected exception', subject: message.subject }])
  },
)

test('an exception at a change of the connection is contained and counted as well', async () => {
  const { lines, log } = aLog()
  const [plain, metrics, states] = [aBus(), new Metrics('stats'), [] as string[]]
  const bus = new GuardedBus(plain, new BugReporter({ log, metrics }))
  bus.onState(() => {
    throw new Error('a bug')
  })
  bus.onState((state) => states.push(state))
  plain.become('disconnected')
  expect([states, bus.state, lines.length]).toEqual([['disconnected'], 'disconnected', 1])
  expect(await metrics.registry.metrics()).toContain('realm_stats_bugs_total{scope="message"} 1')
})
