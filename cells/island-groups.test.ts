import { expect, onTestFinished, test } from 'vitest'
import { withPart } from '../testing/parts/with-part.ts'
import type { Player } from '../testing/player/player.ts'
import { readConfig } from './archipelago/config.ts'
import { peerId } from './archipelago/core/fixtures.ts'
import { startArchipelago } from './archipelago/service.ts'
import type { Bus } from './bus/bus.ts'
import { type Broker, startBroker } from './bus/fixtures.ts'
import { createMemoryBus } from './bus/memory.ts'
import { connectNats } from './bus/nats.ts'
import { systemClock } from './chassis/clock.ts'
import { silentLog } from './chassis/log.ts'
import { Metrics } from './chassis/metrics.ts'
import { aConnector, type TestConnector, until } from './connector/fixtures.ts'
import { withFencingToken } from './wire/extension-fields.ts'
import { busPayloads, type IslandChangedMessage } from './wire/packets.ts'
import type { PeerId } from './wire/peer.ts'
import { encodeConnect } from './wire/session-messages.ts'
import { peerOf, subjects } from './wire/subjects.ts'

const at = subjects('')
const LIVEKIT = { LIVEKIT_HOST: 'wss://lk.example', LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 's'.repeat(32) }
const FORMER_SESSION = '000000001-0123456789ab'
const HERE = { x: 0, y: 0, z: 0 }

/** A connector of the first version with one player: it knows the subjects of players only. */
function aFormerConnector(bus: Bus, peer: PeerId) {
  const islands: IslandChangedMessage[] = []
  bus.subscribe(at.every.islandChanged, (payload, subject) => {
    const message = busPayloads.decodeIslandChanged(payload)
    if (peerOf(subject) === peer && message) islands.push(message)
  })
  bus.publish(at.connect(peer), encodeConnect({ session: FORMER_SESSION, announcedRoom: undefined }))
  const heartbeat = withFencingToken(busPayloads.encodeHeartbeat({ position: HERE, desiredRoom: undefined }), FORMER_SESSION)
  bus.publish(at.heartbeat(peer), heartbeat)
  return { islands }
}

/** What a test of connectors needs in addition to a bus. */
const testable = (bus: Bus): TestConnector['bus'] =>
  Object.assign(Object.create(bus), {
    publish: bus.publish.bind(bus),
    subscribe: bus.subscribe.bind(bus),
    onState: bus.onState.bind(bus),
    flush: bus.flush.bind(bus),
    become: () => undefined,
  })

/** Two connectors of this version, one of the first, and an archipelago, each with a connection of its own. */
async function meetOn(open: () => Promise<Bus>): Promise<void> {
  const [ofArchipelago, ofFormer, observer] = [await open(), await open(), await open()]
  const subjectsSeen: string[] = []
  for (const pattern of [at.every.islandChanged, at.every.islandGroup])
    observer.subscribe(pattern, (_, subject) => subjectsSeen.push(subject))
  await observer.flush()
  const config = readConfig({ NATS_URL: 'nats://unused', ARCHIPELAGO_FLUSH_FREQUENCY: '0.1', ...LIVEKIT })
  const deps = { bus: ofArchipelago, log: silentLog, clock: systemClock, metrics: new Metrics('archipelago'), alone: true }
  const archipelago = await startArchipelago(config, deps)
  onTestFinished(() => archipelago.stop())
  const connectors = [
    await aConnector({}, { bus: testable(await open()) }),
    await aConnector({}, { bus: testable(await open()) }),
  ]
  const players: Player[] = []
  for (const connector of connectors) players.push(await connector.join(), await connector.join())
  const former = aFormerConnector(ofFormer, peerId(1))
  for (const player of players) player.heartbeat(HERE)
  const all = [...players.map(({ peer }) => peer), peerId(1)].sort()
  const received = () => [...players.map(({ island }) => island), former.islands.at(-1)]
  // Players who arrive in different flushes are told when they come; the last one who came finds all.
  await until(() => expect(received().every((island) => island !== undefined)).toBe(true))
  expect(new Set(received().map((island) => island?.islandId)).size).toBe(1)
  expect(
    received().some(
      (island) =>
        Object.keys(island?.peers ?? {})
          .sort()
          .join() === all.join(),
    ),
  ).toBe(true)
  for (const [n, peer] of [...players.map(({ peer: of }) => of), peerId(1)].entries()) {
    const [, token = ''] = received()[n]?.connStr.split('access_token=') ?? []
    expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({ sub: peer })
  }
  await until(() => expect(subjectsSeen).toContain(at.islandChanged(peerId(1))))
  const alone = new Set(subjectsSeen.filter((subject) => subject.startsWith('engine.peer.')))
  const together = new Set(subjectsSeen.filter((subject) => subject.startsWith('engine.connector.')))
  expect([...alone]).toEqual([at.islandChanged(peerId(1))])
  expect(together.size).toBe(connectors.length)
}

test('connectors of two versions are told of one island over a bus in memory', async () => {
  const bus = createMemoryBus(silentLog)
  await meetOn(async () => bus)
})

withPart('nats', 'over NATS', (binary) => {
  test('connectors of two versions are told of one island', async () => {
    const broker: Broker = await startBroker(binary)
    onTestFinished(() => broker[Symbol.asyncDispose]())
    await meetOn(async () => {
      const bus = await connectNats({ servers: [broker.url], name: 'test', log: silentLog })
      onTestFinished(() => bus.close())
      return bus
    })
  })
})
