import { expect, test, vi } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { PeerId } from '../wire/peer.ts'
import type { PlayerConnection } from './adapters/storage.ts'
import { ConnectionRecorder } from './connection-recorder.ts'
import { aStorage } from './fixtures.ts'

const wallet = (n: number): PeerId => `0x${n.toString(16).padStart(40, '0')}`
const connection = (n: number, known: Partial<PlayerConnection> = {}): PlayerConnection => ({
  address: wallet(n),
  ipAddress: undefined,
  deviceId: undefined,
  ...known,
})

function aRecorder() {
  const clock = new ManualClock()
  const storage = aStorage()
  const batches: number[] = []
  const { recordConnections } = storage
  storage.recordConnections = (connections, nowMs) => {
    batches.push(connections.length)
    return recordConnections(connections, nowMs)
  }
  const metrics = new Metrics('gatekeeper')
  const connectionsLost = metrics.counter('lost_total', 'Lost.')
  const lost = async () => (await connectionsLost.get()).values[0]?.value ?? 0
  return {
    connections: new ConnectionRecorder(storage, { clock, log: silentLog, metrics: { connectionsLost } }),
    clock,
    storage,
    batches,
    lost,
  }
}

test('records of a short time are written in one batch, with the last values of each player', async () => {
  const { connections, clock, storage, batches } = aRecorder()
  connections.record(connection(1, { ipAddress: '203.0.113.7', deviceId: 'phone' }))
  connections.record(connection(2))
  connections.record(connection(1, { deviceId: 'desk' }))
  expect(batches).toEqual([])
  clock.advance(100)
  await vi.waitFor(() => expect(storage.connections.size).toBe(2))
  expect(batches).toEqual([2])
  expect(storage.connections.get(wallet(1))).toEqual(connection(1, { ipAddress: '203.0.113.7', deviceId: 'desk' }))
})

test('many records are written in several batches, and no more than the limit wait', async () => {
  const { connections, batches, storage, lost } = aRecorder()
  for (let n = 0; n < 10_003; n++) connections.record(connection(n))
  expect(await lost()).toBe(3)
  await connections.stop()
  expect(batches).toEqual(Array.from({ length: 20 }, () => 500))
  expect(storage.connections.size).toBe(10_000)
})

test('when the storage fails the batch is lost, and the next one is written', async () => {
  const { connections, clock, storage, batches, lost } = aRecorder()
  storage.broken = 'gone'
  connections.record(connection(1))
  clock.advance(100)
  await vi.waitFor(async () => expect(await lost()).toBe(1))
  storage.broken = undefined
  connections.record(connection(2))
  clock.advance(100)
  await vi.waitFor(() => expect([...storage.connections.keys()]).toEqual([wallet(2)]))
  expect(batches).toEqual([1, 1])
})
