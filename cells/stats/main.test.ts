import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../testing/free-port.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import type { Bus } from '../bus/bus.ts'
import { connectNats } from '../bus/nats.ts'
import { UserError } from '../chassis/errors.ts'
import type { Running } from '../chassis/lifecycle.ts'
import { silentLog } from '../chassis/log.ts'
import { peerId, publishers } from './fixtures.ts'
import { main } from './main.ts'

/** A port that is free now. */
test('a process without a broker names the missing variable', async () => {
  await expect(main({})).rejects.toThrow(new UserError('NATS_URL is required', 2))
})

withPart('nats', 'stats over NATS', (binary) => {
  let nats: ChildProcess
  let natsPort: number
  let bus: Bus
  let stats: Running
  let url: string
  const startNats = () => {
    nats = spawn(binary, ['--addr', '127.0.0.1', '--port', String(natsPort)], { stdio: 'ignore' })
  }
  beforeAll(async () => {
    natsPort = await freePort()
    startNats()
    const server = `nats://127.0.0.1:${natsPort}`
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    bus = await connectNats({ servers: [server], name: 'test', log: silentLog })
    stats = await main({
      NATS_URL: server,
      BUS_SCOPE: 'ns.city.*',
      HTTP_SERVER_HOST: '127.0.0.1',
      HTTP_SERVER_PORT: String(port),
      LOG_LEVEL: 'silent',
    })
  })
  afterAll(async () => {
    await stats?.stop()
    await bus?.close()
    if (nats?.kill()) await once(nats, 'exit')
  })
  const json = async (path: string): Promise<unknown> => (await fetch(url + path)).json()

  test('messages of every cell of the realm are processed, those of other realms are not, and an outage of the broker loses no peer', async () => {
    const peersWhileAllMove = () => {
      publishers(bus, 'ns.city.0').heartbeat(peerId(1), [8, 0, 8])
      publishers(bus, 'ns.city.1').heartbeat(peerId(2), [40, 0, 8])
      publishers(bus, 'ns.other.0').heartbeat(peerId(3), [8, 0, 8])
      publishers(bus, 'ns.city.1').discovery(Date.now(), 1)
      return json('/stats/comms/peers')
    }
    await expect.poll(peersWhileAllMove).toMatchObject({ peers: [{ id: peerId(1) }, { id: peerId(2) }] })
    await expect.poll(() => json('/core-status')).toEqual({ healthy: true, userCount: 1 })

    nats.kill('SIGKILL')
    await once(nats, 'exit')
    expect(await json('/peers')).toMatchObject({ peers: [{ id: peerId(1) }, { id: peerId(2) }] })
    expect((await fetch(`${url}/status`, { method: 'HEAD' })).status).toBe(200)
    startNats()
    await expect
      .poll(
        () => {
          publishers(bus, 'ns.city.0').heartbeat(peerId(4), [8, 0, 8])
          return json(`/peers/${peerId(4)}`)
        },
        { timeout: 10_000, interval: 100 },
      )
      .toMatchObject({ ok: true })
  })
})
