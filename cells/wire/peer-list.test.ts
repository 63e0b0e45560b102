import { expect, test } from 'vitest'
import { busPayloads } from './packets.ts'
import type { PeerId } from './peer.ts'
import { encodePeerList } from './peer-list.ts'

const address = (n: number): PeerId => `0x${n.toString(16).padStart(40, 'f')}`

test('decoders of the protocol read each peer and its position in an encoded peer list', () => {
  const positions = [
    { x: 0, y: 0, z: 0 },
    { x: -12_345.5, y: 1.25, z: 98_765.25 },
    { x: Number.NaN, y: 2 ** 30, z: Number.NEGATIVE_INFINITY },
  ]
  const members = positions.map((position, n) => ({ peer: address(n), position }))
  const message = { islandId: 'island-1', connStr: 'livekit:wss://h', fromIslandId: undefined }
  const bytes = Buffer.concat([busPayloads.encodeIslandChanged({ ...message, peers: {} }), encodePeerList(members)])
  const peers = Object.fromEntries(members.map(({ peer, position }) => [peer, position]))
  expect(busPayloads.decodeIslandChanged(bytes)).toEqual({ ...message, peers })
})

test('a list without peers has no bytes', () => {
  expect(encodePeerList([])).toHaveLength(0)
})
