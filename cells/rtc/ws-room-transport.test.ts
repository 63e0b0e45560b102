import { expect, test } from 'vitest'
import { createMemoryBus } from '../bus/memory.ts'
import { silentLog } from '../chassis/log.ts'
import { type Admission, decodeAdmission } from '../wire/admission.ts'
import type { PeerId } from '../wire/peer.ts'
import { subjects } from '../wire/subjects.ts'
import { createWsRoomTransport } from './ws-room-transport.ts'

const PEER: PeerId = '0x1f9090aae28b8a3dceadf281b0f12828e676c326'

function aTransport() {
  const bus = createMemoryBus(silentLog)
  const admitted: [string, Admission | undefined][] = []
  bus.subscribe(subjects('city.0').every.admission, (payload, subject) => admitted.push([subject, decodeAdmission(payload)]))
  const url = 'wss://host/cells/0/rooms'
  return { admitted, transport: createWsRoomTransport({ url, bus, subjects: subjects('city.0') }) }
}

test('the admission is delivered before the connection string is returned', async () => {
  const { admitted, transport } = aTransport()
  expect(await transport.connectionString(PEER, 'island-1', 'island')).toBe('ws-room:wss://host/cells/0/rooms/island-1')
  expect(admitted).toEqual([[`city.0.rooms.${PEER}.admission`, { room: 'island-1', kind: 'island' }]])
})

test('a room name with special characters is encoded in the path', async () => {
  const { admitted, transport } = aTransport()
  expect(await transport.connectionString(PEER, 'scene-a/b?c', 'scene')).toBe('ws-room:wss://host/cells/0/rooms/scene-a%2Fb%3Fc')
  expect(admitted[0]?.[1]).toEqual({ room: 'scene-a/b?c', kind: 'scene' })
})
