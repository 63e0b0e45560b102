import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { createApp, route, text } from '../../../cells/chassis/http.ts'
import { listen } from '../../../cells/chassis/listen.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { Metrics } from '../../../cells/chassis/metrics.ts'
import { aRealm } from '../../desired/fixtures.ts'
import { watchDependencies } from './dependency-reachability.ts'
import { probeUrl } from './reachability-probe.ts'

const url = 'wss://livekit.example.org'

function aWatch(first: string | undefined = undefined) {
  const clock = new ManualClock()
  const world = { problem: first, asked: [] as string[] }
  const woken: string[] = []
  const dependencies = watchDependencies({
    clock,
    random: () => 0.5,
    knock: async (asked) => {
      world.asked.push(asked)
      return world.problem
    },
  })
  dependencies.onChange(({ name }) => woken.push(name))
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 250) {
      clock.advance(250)
      await new Promise(setImmediate)
    }
  }
  return { dependencies, world, woken, pass }
}

test('what a realm needs from outside is looked at once for all who need it, and rarely while all is well', async () => {
  const { dependencies, world, woken, pass } = aWatch()
  const other = aRealm()
  other.metadata.name = 'other'
  expect(dependencies.reach(aRealm())).toEqual([{ dependency: 'LiveKit', url, state: 'unknown' }])
  dependencies.reach(other)
  await pass(500)
  expect(dependencies.reach(aRealm())).toEqual([{ dependency: 'LiveKit', url, state: 'reachable' }])
  expect([world.asked, woken.sort()]).toEqual([[url], ['main', 'other']])
  await pass(60_000)
  expect(world.asked).toHaveLength(3)
  expect(woken).toHaveLength(2)
})

test('what is not there is told with its first reason, and looked for until it is', async () => {
  const { dependencies, world, woken, pass } = aWatch('connect ECONNREFUSED')
  dependencies.reach(aRealm())
  await pass(500)
  expect(dependencies.reach(aRealm())).toEqual([
    { dependency: 'LiveKit', url, state: 'unreachable', message: 'connect ECONNREFUSED' },
  ])
  world.problem = 'answered 503'
  await pass(60_000)
  expect(dependencies.reach(aRealm())).toMatchObject([{ message: 'connect ECONNREFUSED' }])
  expect(woken).toEqual(['main'])
  world.problem = undefined
  await pass(20_000)
  expect(dependencies.reach(aRealm())).toMatchObject([{ state: 'reachable' }])
})

test('a server that restarts is not missed', async () => {
  const { dependencies, world, woken, pass } = aWatch()
  dependencies.reach(aRealm())
  await pass(29_500)
  world.problem = 'connect ECONNREFUSED'
  await pass(2_000)
  expect(dependencies.reach(aRealm())).toMatchObject([{ state: 'reachable' }])
  world.problem = undefined
  await pass(60_000)
  expect(woken).toEqual(['main'])
})

test('what no realm needs any more is left alone', async () => {
  const { dependencies, world, pass } = aWatch()
  dependencies.reach(aRealm())
  await pass(500)
  dependencies.reach(aRealm({ livekit: { url: 'wss://new.example.org' } }))
  await pass(60_000)
  expect(world.asked.filter((asked) => asked === url)).toHaveLength(1)
  dependencies.forget({ namespace: 'metaverse', name: 'main' })
  const before = world.asked.length
  await pass(60_000)
  expect(world.asked).toHaveLength(before)
})

test('what a realm runs itself is not looked for outside', () => {
  const { dependencies } = aWatch()
  expect(dependencies.reach(aRealm({ livekit: { type: 'Managed' } }))).toEqual([])
})

test('over the network a LiveKit is one that answers, and a NATS one that can be connected to', async () => {
  const routes = [route('GET', '/', () => text('OK'))]
  const livekit = await listen(createApp({ routes, log: silentLog, metrics: new Metrics('test') }), {
    port: 0,
    host: '127.0.0.1',
  })
  onTestFinished(() => livekit.stop())
  const nats = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await new Promise((resolve) => nats.once('listening', resolve))
  const { port } = nats.address() as { port: number }
  expect(await probeUrl(livekit.url.replace('http', 'ws'))).toBeUndefined()
  expect(await probeUrl(`nats://127.0.0.1:${port}`)).toBeUndefined()
  await new Promise((resolve) => nats.close(resolve))
  expect(await probeUrl(`nats://127.0.0.1:${port}`)).toMatch(/ECONNREFUSED/)
  expect(await probeUrl(`ws://127.0.0.1:${port}`)).toMatch(/ECONNREFUSED/)
})
