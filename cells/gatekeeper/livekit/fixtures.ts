import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { type LivekitServer, startLivekitServer } from '../../../cli/adapters/livekit-server.ts'
import { type InRoom, liveKitClient } from '../../../testing/livekit-room.ts'
import { silentLog } from '../../chassis/log.ts'
import { type Grant, grants } from '../../rtc/grants.ts'
import { createLivekitTransport, type LivekitTransport } from '../../rtc/livekit-transport.ts'
import type { GatekeeperConfig } from '../config.ts'

/** What happens to a webhook on its way: how often it is delivered, after how many milliseconds. */
export type Delivery = { times: number; delayMs?: number }

/** A LiveKit server with real participants, whose webhooks go to the gatekeeper that the test names. */
export interface LivekitWorld {
  /** Where webhooks are delivered. */
  gatekeepers: string[]
  /** Of every webhook; once by default. */
  delivery: (event: string) => Delivery
  readonly config: Partial<GatekeeperConfig>
  readonly livekit: LivekitServer
  readonly transport: LivekitTransport
  token(identity: string, room: string, grant?: Grant): string
  join(adapter: string): Promise<InRoom>
  /** Ends the server as a crash does; resolves when it is back at the same port, with no rooms. `meanwhile` happens while it is away. */
  crash(meanwhile: () => Promise<void>): Promise<void>
}

/** Starts one for the tests of a group. */
export function aLivekitWorld(binary: string, rtc: string): LivekitWorld {
  const participants: InRoom[] = []
  const client = liveKitClient(rtc)
  let next = 0
  const world = {
    gatekeepers: [],
    delivery: () => ({ times: 1 }),
    token: (identity, room, grant = grants.player) => world.transport.adapter({ identity, room, grant }),
    async join(adapter) {
      const participant = await client.join(adapter)
      participants.push(participant)
      return participant
    },
    async crash(meanwhile) {
      const { pid, url } = world.livekit
      if (pid === undefined) throw new Error('LiveKit does not run')
      process.kill(pid, 'SIGKILL')
      await meanwhile()
      await vi.waitFor(() => expect(world.livekit.pid).not.toBe(pid), { timeout: 10_000, interval: 50 })
      await vi.waitFor(() => fetch(url.replace('ws:', 'http:')), { timeout: 15_000, interval: 50 })
    },
  } as Pick<LivekitWorld, 'gatekeepers' | 'delivery' | 'token' | 'join' | 'crash'> as LivekitWorld

  const relay = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.end()
      const body = Buffer.concat(chunks)
      const { times, delayMs = 0 } = world.delivery((JSON.parse(body.toString()) as { event: string }).event)
      for (let n = 0; n < times; n++) {
        // As behind a Service: each webhook reaches one replica.
        const url = world.gatekeepers[next++ % world.gatekeepers.length]
        const headers = { authorization: request.headers.authorization ?? '', 'content-type': 'application/webhook+json' }
        setTimeout(() => void fetch(`${url}/livekit-webhook`, { method: 'POST', headers, body }).catch(() => undefined), delayMs)
      }
    })
  })
  beforeAll(async () => {
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
    const address = relay.address()
    const port = address && typeof address === 'object' ? address.port : 0
    const livekit = await startLivekitServer(binary, '127.0.0.1', silentLog, [`http://127.0.0.1:${port}/`])
    const { url, apiKey, apiSecret } = livekit
    Object.assign(world, {
      livekit,
      config: { LIVEKIT_HOST: url, LIVEKIT_API_URL: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret },
      transport: createLivekitTransport({ url, apiKey, apiSecret }),
    })
  })
  afterAll(async () => {
    await Promise.all(participants.map((participant) => participant.leave().catch(() => undefined)))
    await client.dispose()
    await world.livekit.stop()
    relay.closeAllConnections()
    relay.close()
  })
  return world
}
