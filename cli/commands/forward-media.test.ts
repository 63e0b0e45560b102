import { AccessToken } from 'livekit-server-sdk'
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest'
import { livekitConfig } from '../../operator/desired/manifests/managed-livekit.ts'
import { aRealm } from '../../operator/desired/realm.fixtures.ts'
import { freePort } from '../../testing/free-port.ts'
import { liveKitClient } from '../../testing/livekit-room.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { type Program, startProgram } from '../../testing/program.ts'
import { aCluster, aPod } from '../forward/fixtures.ts'
import { forward } from './forward.ts'

const realm = aRealm({ livekit: { type: 'Managed' } })

withPart('livekit', 'a LiveKit in a cluster', (binary) => {
  withPart('rtc', 'and a client on this machine', (rtc) => {
    const client = liveKitClient(rtc)
    const key = { apiKey: 'key-of-the-test', apiSecret: 'secret-of-the-test-with-32-characters' }
    let program: Program
    let ports: { http: number; tcp: number }

    // With the configuration that the operator writes, but on free ports.
    beforeAll(async () => {
      const [http, tcp, udp] = [await freePort(), await freePort(), await freePort()]
      ports = { http, tcp }
      const config = livekitConfig(realm).replace('7880', `${http}`).replace('7881', `${tcp}`).replace('7882', `${udp}`)
      program = startProgram(binary, [], {
        env: { LIVEKIT_CONFIG: config.replace(/^webhook:[\s\S]*/m, ''), LIVEKIT_KEYS: `${key.apiKey}: ${key.apiSecret}` },
      })
      await vi.waitFor(async () => expect((await fetch(`http://127.0.0.1:${http}`)).ok).toBe(true), 15_000)
    }, 30_000)
    afterAll(async () => {
      await client.dispose()
      await program[Symbol.asyncDispose]()
    })

    /** The connection string for a player at a URL. */
    async function connectionString(url: string, identity: string): Promise<string> {
      const token = new AccessToken(key.apiKey, key.apiSecret, { identity })
      token.addGrant({ roomJoin: true, room: 'island', canPublishData: true })
      return `livekit:${url}?access_token=${await token.toJwt()}`
    }

    test('media goes through the forwarding over TCP, and to nowhere else', { timeout: 60_000 }, async (context: TestContext) => {
      const stats = await aPod(context, (_, response) => response.end('{}'))
      const pods = { 'main-stats:http': stats.port, 'main-livekit:http': ports.http, 'main-livekit:rtc-tcp': ports.tcp }
      const cluster = { realm, ports: pods, forwarded: [] as string[] }
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
      const inside = await client.join(await connectionString(`ws://127.0.0.1:${ports.http}`, 'inside'))
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
