import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'
import { freePort } from '../../testing/free-port.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { connectPlayer } from '../../testing/player/player.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { connectNats } from '../bus/nats.ts'
import type { Running } from '../chassis/lifecycle.ts'
import { silentLog } from '../chassis/log.ts'
import { until } from './fixtures.ts'
import { main } from './main.ts'

const processes: ChildProcess[] = []
const running: Running[] = []

afterEach(async () => {
  for (const part of running.splice(0)) await part.stop()
  for (const child of processes.splice(0)) child.kill('SIGKILL')
})

withPart('nats', 'a connector on a real broker', (nats) => {
  const startBroker = (port: number) => {
    const child = spawn(nats, ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
    processes.push(child)
    return child
  }

  test('keeps its players while the broker restarts, and publishes them again', async () => {
    const [brokerPort, port] = [await freePort(), await freePort()]
    const broker = startBroker(brokerPort)
    const natsUrl = `nats://127.0.0.1:${brokerPort}`
    const env = {
      NATS_URL: natsUrl,
      HTTP_SERVER_HOST: '127.0.0.1',
      HTTP_SERVER_PORT: String(port),
      DRAIN_SECONDS: '0',
      LOG_LEVEL: 'silent',
    }
    running.push(await main(env))
    const bus = await connectNats({ servers: [natsUrl], name: 'listener', log: silentLog })
    running.unshift({ stop: () => bus.close() })
    const topics: string[] = []
    const wallet = createWallet()
    bus.subscribe(`peer.${wallet.peer}.*`, (_, subject) => topics.push(subject.split('.').at(-1) ?? ''))
    await bus.flush()

    const player = await connectPlayer({ url: `ws://127.0.0.1:${port}/ws`, wallet, chain: 'three' })
    player.heartbeat({ x: 8, y: 0, z: 8 })
    await until(() => expect(topics).toEqual(['connect', 'heartbeat']))

    broker.kill('SIGKILL')
    await until(() => expect(bus.state).toBe('disconnected'))
    startBroker(brokerPort)
    await until(() => expect(topics.slice(2)).toEqual(['connect', 'heartbeat']))
    expect(player.kicked).toBe(false)

    player.close()
    await until(() => expect(topics.at(-1)).toBe('disconnect'))
  })
})
