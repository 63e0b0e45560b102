import { AccessToken } from 'livekit-server-sdk'
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest'
import { silentLog } from '../../cells/chassis/log.ts'
import { aRealm } from '../../operator/desired/realm.fixtures.ts'
import { liveKitClient } from '../../testing/livekit-room.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { type LivekitServer, startLivekitServer } from '../adapters/livekit-server.ts'
import { aCluster, aPod } from '../forward/fixtures.ts'
import { forward } from './forward.ts'

withPart('livekit', 'a LiveKit in a cluster', (binary) => {
  withPart('rtc', 'and a client on this machine', (rtc) => {
    const client = liveKitClient(rtc)
    let livekit: LivekitServer

    beforeAll(async () => {
      livekit = await startLivekitServer(binary, '127.0.0.1', silentLog)
    })
    afterAll(async () => {
      await client.dispose()
      await livekit.stop()
    })

    /** The connection string for a player at a URL. */
    async function connectionString(url: string, identity: string): Promise<string> {
      const token = new AccessToken(livekit.apiKey, livekit.apiSecret, { identity })
      token.addGrant({ roomJoin: true, room: 'island', canPublishData: true })
      return `livekit:${url}?access_token=${await token.toJwt()}`
    }

    test('media goes through the forwarding over TCP, and to nowhere else', { timeout: 60_000 }, async (context: TestContext) => {
      const stats = await aPod(context, (_, response) => response.end('{}'))
      const ports = {
        'main-stats:http': stats.port,
        'main-livekit:http': Number(new URL(livekit.url).port),
        'main-livekit:rtc-tcp': livekit.tcpPort,
      }
      const cluster = { realm: aRealm({ livekit: { type: 'Managed' } }), ports, forwarded: [] as string[] }
      const opened = await aCluster(context, cluster)
      const said: string[] = []
      const running = await forward(
        'main',
        { port: 0 },
        {
          terminal: { say: (text) => void said.push(text), status: () => {} },
          openCluster: async () => opened,
          now: () => performance.now(),
          random: () => 0,
        },
      )
      context.onTestFinished(() => running.stop())
      const [, url = ''] = /signalling at (ws:\S+),/.exec(said.join()) ?? []
      const inside = await client.join(await connectionString(livekit.url, 'inside'))
      const outside = await client.join(await connectionString(url, 'outside'))
      await vi.waitFor(() => expect([inside.others(), outside.others()]).toEqual([['outside'], ['inside']]), 10_000)
      await inside.send('come in')
      await vi.waitFor(() => expect(outside.received).toEqual([{ from: 'inside', text: 'come in' }]), 10_000)
      await outside.send('I am')
      await vi.waitFor(() => expect(inside.received).toEqual([{ from: 'outside', text: 'I am' }]), 10_000)
      expect(cluster.forwarded.filter((pod) => pod === 'main-livekit-0').length).toBeGreaterThanOrEqual(2)
      for (const room of [inside, outside]) await room.leave()
    })
  })
})
