import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A LiveKit that nothing listens at: a Bevy explorer connects to its relay as soon as it has tried. */
const ADAPTER = 'fixed-adapter:livekit:ws://127.0.0.1:9?access_token=none'
/** Without it a Bevy explorer finds no place in the world. */
const map = { minimapEnabled: true, sizes: [{ left: -150, top: 150, right: 150, bottom: -150 }] }
/** An explorer enters the room of a scene once its program has answered a few times. */
const PROGRAM = `const { crdtSendToRenderer } = require('~system/EngineApi')
module.exports.onStart = async () => {}
module.exports.onUpdate = async () => { await crdtSendToRenderer({ data: new Uint8Array() }) }
`
const PROGRAM_HASH = 'bafkprogram'
const CONTENTS = '/content/contents/'

/** The only scene of a realm. */
interface BareScene {
  id: string
  /** `"2,0"` */
  parcel: string
}

/** A realm with a name, a world that is empty or has one scene, and no rooms: enough for what explorers do at other services than these. */
export async function startBareRealm(realmName: string, scene?: BareScene): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const file = scene && request.url?.startsWith(CONTENTS) ? request.url.slice(CONTENTS.length) : undefined
    if (file === PROGRAM_HASH) return void response.end(PROGRAM)
    const ofContent = request.method === 'POST' ? deployed : file === scene?.id ? deployed[0] : undefined
    const body = request.url === '/about' ? about : ofContent
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? { error: 'Not found' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const deployed = scene ? [entityOf(scene)] : []
  const scenesUrn = deployed.map(({ id }) => `urn:decentraland:entity:${id}?=&baseUrl=${url}${CONTENTS}`)
  const about = {
    ...{ healthy: true, acceptingUsers: true },
    comms: { healthy: true, protocol: 'v3', adapter: ADAPTER },
    configurations: { networkId: 1, globalScenesUrn: [], scenesUrn, realmName, map },
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

const entityOf = ({ id, parcel }: BareScene) => ({
  ...{ id, version: 'v3', type: 'scene', pointers: [parcel], timestamp: 1_700_000_000_000 },
  content: [{ file: 'program.js', hash: PROGRAM_HASH }],
  metadata: { main: 'program.js', ecs7: true, runtimeVersion: '7', scene: { base: parcel, parcels: [parcel] } },
})
