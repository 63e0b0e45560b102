import { expect, test } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { silentLog } from '../chassis/log.ts'
import { createVerifier } from '../identity/verifier.ts'
import { aPulse, handshakeOf } from './fixtures.ts'

const PARCEL = 48_490

/** A relay with players who stand next to each other, and are signed in. */
async function aRealm(...seeds: string[]) {
  const pulse = aPulse()
  const players = []
  for (const seed of seeds) {
    const wallet = createWallet(seed)
    const player = pulse.connect()
    expect(await player.signIn(handshakeOf(wallet))).toBe('true')
    player.teleport('main', PARCEL)
    players.push({ ...player, wallet, address: wallet.address.toLowerCase() as `0x${string}` })
  }
  pulse.run(2_000)
  return { pulse, players }
}

test('clients notice nothing when another process takes over their sessions, and go on moving and seeing each other', async () => {
  const { pulse, players } = await aRealm('anna', 'ben', 'carla')
  const before = players.map(({ model }) => model.received.length)
  for (const [i, { send }] of players.entries())
    send({ input: { state: { parcelIndex: PARCEL, positionX: 20 + i, stateFlags: 1 } } }, 1)
  pulse.run(30)
  pulse.handOver(700)
  pulse.run(500)
  for (const [i, { send }] of players.entries())
    send({ input: { state: { parcelIndex: PARCEL, positionX: 40 + i, stateFlags: 1 } } }, 1)
  pulse.run(500)
  for (const [i, { model, happened }] of players.entries()) {
    expect(happened).toEqual(['connect'])
    expect(model.received.slice(before[i]).filter((line) => /^player(Joined|Left)/.test(line))).toEqual([])
    for (const [j, other] of players.entries()) if (i !== j) expect(model.of(other.address)?.state.positionX).toBe(40 + j)
  }
  pulse.stop()
})

test('a wallet of another process is taken over by its next session, and a recorded sign-in is refused', async () => {
  const { pulse, players } = await aRealm('anna')
  const [anna] = players
  const used = handshakeOf(createWallet('ben'))
  const ben = pulse.connect()
  expect(await ben.signIn(used)).toBe('true')
  pulse.handOver()
  const thief = pulse.connect()
  await thief.signIn(used)
  expect(thief.happened).toEqual(['connect', 'left 14'])
  const again = pulse.connect()
  expect(await again.signIn(handshakeOf(createWallet('anna'), { timestamp: Date.now() + 1 }))).toBe('true')
  pulse.run(200)
  expect(anna?.happened).toEqual(['connect', 'left 4'])
  pulse.stop()
})

test('a handshake whose signatures were being checked is answered by the other process', async () => {
  const pulse = aPulse()
  const anna = pulse.connect()
  anna.peer.sendReliable(0, handshakeOf(createWallet('anna')))
  pulse.run(100)
  expect(anna.answers).toEqual([])
  pulse.handOver(100)
  for (let tries = 0; anna.answers.length === 0 && tries < 400; tries++) {
    pulse.run(50)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect(anna.answers).toEqual(['true'])
  expect(pulse.live().relay.size).toBe(1)
  pulse.stop()
})

test('a state of another version, or a damaged one, is an error', async () => {
  const { pulse } = await aRealm('anna')
  const frozen = pulse.live().freeze()
  const other = Buffer.from(frozen)
  other.writeUInt8('2'.charCodeAt(0), other.indexOf('pulse 1') + 6)
  const verifier = createVerifier({ log: silentLog, workers: 1 })
  const start = (bytes: Buffer) => aPulse({ verifier, frozen: bytes })
  expect(() => start(other)).toThrow('the state of the other relay cannot be used: it is of another version')
  expect(() => start(frozen.subarray(0, frozen.length - 1))).toThrow('cannot be used')
  expect(() => start(Buffer.concat([frozen, Buffer.alloc(1)]))).toThrow('bytes follow')
  await verifier.close()
  pulse.stop()
})
