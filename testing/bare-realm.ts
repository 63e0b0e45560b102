import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A LiveKit that nothing listens at: a Bevy explorer connects to its relay as soon as it has tried. */
const ADAPTER = 'fixed-adapter:livekit:ws://127.0.0.1:9?access_token=none'
/** Without it a Bevy explorer finds no place in the world. */
const map = { minimapEnabled: true, sizes: [{ left: -150, top: 150, right: 150, bottom: -150 }] }

/** A realm with a name, an empty world and no rooms: enough for what explorers do at a movement relay. */
export async function startBareRealm(realmName: string): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const body = request.url === '/about' ? about : request.method === 'POST' ? [] : undefined
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? { error: 'Not found' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const about = {
    ...{ healthy: true, acceptingUsers: true },
    comms: { healthy: true, protocol: 'v3', adapter: ADAPTER },
    configurations: { networkId: 1, globalScenesUrn: [], scenesUrn: [], realmName, map },
    content: { healthy: true, synchronizationStatus: 'Syncing', publicUrl: `${url}/content/` },
    lambdas: { healthy: true, publicUrl: `${url}/lambdas/` },
  }
  return {
    url,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
