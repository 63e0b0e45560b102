import { expect, test } from 'vitest'
import { decodeServerPacket, serverPackets } from '../../cells/wire/packets.ts'
import { aRealm, aRealmWithoutLivekit } from '../../operator/desired/realm.fixtures.ts'
import { localAbout, localAdapter, localIsland, withLocalAdapters } from './local-addresses.ts'

const HERE = 'http://127.0.0.1:3000'
const managed = aRealm({ livekit: { type: 'Managed' } })
const external = aRealm()
const world = aRealm({ mode: 'World', livekit: { type: 'None' } })

test.for([
  [
    'archipelago:archipelago:ws://main-slot-0.metaverse.svc.cluster.local/cells/0/ws',
    'archipelago:archipelago:ws://127.0.0.1:3000/cells/0/ws',
  ],
  ['archipelago:archipelago:wss://realm.example.org/at/x/cells/12/ws', 'archipelago:archipelago:ws://127.0.0.1:3000/cells/12/ws'],
  ['ws-room:ws://main-rooms-0.metaverse.svc/cells/0/rooms/I1', 'ws-room:ws://127.0.0.1:3000/cells/0/rooms/I1'],
  [
    'fixed-adapter:ws-room:plaza-gatekeeper.x.svc/gatekeeper/rooms/a',
    'fixed-adapter:ws-room:ws://127.0.0.1:3000/gatekeeper/rooms/a',
  ],
  [
    'fixed-adapter:signed-login:http://plaza-gatekeeper.x.svc/gatekeeper/worlds/plaza/comms',
    'fixed-adapter:signed-login:http://127.0.0.1:3000/gatekeeper/worlds/plaza/comms',
  ],
  ['livekit:wss://lk.x.svc:7880?access_token=a.b.c', 'livekit:ws://127.0.0.1:3000?access_token=a.b.c'],
  ['offline:offline', 'offline:offline'],
  ['ws-room:wss://worlds.example.org/other/path', 'ws-room:wss://worlds.example.org/other/path'],
  ['fixed-adapter:signed-login:https://worlds.example.org/get', 'fixed-adapter:signed-login:https://worlds.example.org/get'],
  ['a text about livekit: none', 'a text about livekit: none'],
] as const)('%s is %s on this machine', ([text, local]) => {
  expect(localAdapter(text, managed, HERE)).toBe(local)
})

test('the LiveKit of others is reached where it is', () => {
  const text = 'livekit:wss://livekit.example.org?access_token=a.b.c'
  expect(localAdapter(text, external, HERE)).toBe(text)
})

test('every text of an answer is changed, however deep, up to a limit', () => {
  const connection_url = 'livekit:ws://x:7880?access_token=t'
  expect(withLocalAdapters({ a: [{ connection_url }, 1, null], 'livekit:ws://x?b': true }, managed, HERE)).toEqual({
    a: [{ connection_url: 'livekit:ws://127.0.0.1:3000?access_token=t' }, 1, null],
    'livekit:ws://x?b': true,
  })
  let deep: unknown = connection_url
  for (let depth = 0; depth < 10_000; depth++) deep = [deep]
  expect(() => withLocalAdapters(deep, managed, HERE)).not.toThrow()
})

test('a world that the realm provider serves is content of this machine, and that of a catalyst stays where it is', () => {
  const about = {
    comms: { adapter: 'fixed-adapter:signed-login:http://g/gatekeeper/worlds/main/comms' },
    content: { healthy: true, publicUrl: 'http://realm-provider.svc/main/content/' },
    lambdas: { publicUrl: 'http://realm-provider.svc/main/lambdas/' },
  }
  expect(localAbout(about, world, HERE)).toEqual({
    comms: { adapter: 'fixed-adapter:signed-login:http://127.0.0.1:3000/gatekeeper/worlds/main/comms' },
    content: { healthy: true, publicUrl: 'http://127.0.0.1:3000/main/content/' },
    lambdas: { publicUrl: 'http://127.0.0.1:3000/main/lambdas/' },
  })
  const ofCatalyst = aRealm({ content: { catalysts: ['https://peer.example.org'] } })
  expect(localAbout(about, ofCatalyst, HERE)).toMatchObject({ content: about.content, lambdas: about.lambdas })
})

test('the room of an island is one of this machine, and other packets stay as they are', () => {
  const realm = aRealmWithoutLivekit()
  const island = { islandId: 'I1', fromIslandId: 'I0', peers: { '0xa': { x: 1, y: 2, z: 3 } } }
  const packet = serverPackets.islandChanged({ ...island, connStr: 'ws-room:ws://x.svc/cells/1/rooms/I1' })
  expect(decodeServerPacket(localIsland(packet, realm, HERE))).toEqual({
    $case: 'islandChanged',
    islandChanged: { ...island, connStr: 'ws-room:ws://127.0.0.1:3000/cells/1/rooms/I1' },
  })
  for (const other of [serverPackets.welcome('0xa'), serverPackets.kicked(), Buffer.from('ffffffff', 'hex'), Buffer.alloc(0)])
    expect(localIsland(other, realm, HERE)).toBe(other)
})
