import fc from 'fast-check'
import { encodeRequest } from '../../../cells/pulse/core/messages/fixtures.ts'
import { writeConnect } from '../../../cells/pulse/enet/command-writer.ts'
import { writeHeader } from '../../../cells/pulse/enet/datagram.ts'
import { aClient, aHost, Network, serverAddress, serverPort } from '../../../cells/pulse/enet/fixtures.ts'
import { aPulse, handshakeOf } from '../../../cells/pulse/fixtures.ts'
import { chainOf, createWallet } from '../../player/wallet.ts'
import { hostileBytes } from '../generators.ts'
import { fuzzTarget } from '../target.ts'

/** What a client sends to a movement relay: datagrams from anywhere, messages of a connection, or CONNECTs in the name of others. */
type Movement =
  /** `inConnection`: with the address and the header of a connection that exists, so that the commands behind it are read. */
  | { kind: 'datagrams'; bytes: readonly Uint8Array[]; inConnection: boolean }
  | { kind: 'messages'; bytes: readonly Uint8Array[]; isPlayer: boolean }
  | { kind: 'connects'; addresses: number; repeats: number; sequence: number }

const HOSTILE_ADDRESS = '198.51.100.66'
const HONEST_ADDRESS = '198.51.100.1'
/** Of a CONNECT without padding. */
const CONNECT_BYTES = 52
const SETTLE_MS = 200
/** As much as a client of ours sends at once. */
const MAX_MESSAGE_BYTES = 8_192
const hostileWallet = createWallet('hostile mover')

const state = { parcelIndex: 1, positionX: 3, positionY: 4, positionZ: 5, stateFlags: 1 }
const messages = [
  { handshake: { authChain: Buffer.from(JSON.stringify(chainOf('three', hostileWallet, 'connect:/:0:{}'))) } },
  { input: { state } },
  { resync: { subjectId: 0xffff_ffff, knownSeq: 0xffff_ffff } },
  { profileAnnouncement: { version: -1 } },
  { emoteStart: { emoteId: 'wave'.repeat(200), durationMs: 0xffff_ffff, playerState: state } },
  { emoteStop: {} },
  { teleport: { parcelIndex: 1, realm: 'a\u0000'.repeat(200) } },
].map(encodeRequest)

/** Datagrams of a connection that sent each message in every way that there is. */
function recordedDatagrams(): Buffer[] {
  const network = new Network()
  const recorded: Buffer[] = []
  const { host } = aHost(network)
  const receive = (bytes: Buffer, address: string, port: number) => {
    recorded.push(Buffer.from(bytes))
    host.receive(bytes, address, port)
  }
  network.attach(serverAddress, serverPort, receive, () => host.service())
  const { client, peer } = aClient(network)
  network.run(SETTLE_MS)
  for (const message of [...messages, new Uint8Array(3_000)]) {
    peer.sendReliable(0, message)
    peer.sendUnreliable(1, message)
    if (message.length < 1_000) peer.sendUnsequenced(2, message)
    client.flush()
    network.run(SETTLE_MS)
  }
  return recorded
}

const several = (valid: readonly Uint8Array[]) => fc.array(hostileBytes(valid), { minLength: 1, maxLength: 8 })

const inputs: fc.Arbitrary<Movement> = fc.oneof(
  fc.record({ kind: fc.constant('datagrams' as const), bytes: several(recordedDatagrams()), inConnection: fc.boolean() }),
  fc.record({ kind: fc.constant('messages' as const), bytes: several(messages), isPlayer: fc.boolean() }),
  fc.record({
    kind: fc.constant('connects' as const),
    addresses: fc.integer({ min: 1, max: 600 }),
    repeats: fc.integer({ min: 1, max: 5 }),
    sequence: fc.nat(2 ** 24),
  }),
)

function aConnect(connectId: number): Buffer {
  const bytes = Buffer.alloc(CONNECT_BYTES)
  const throttle = { throttleInterval: 5000, throttleAcceleration: 2, throttleDeceleration: 2 }
  writeHeader(bytes, 0xfff, 0, 0)
  writeConnect(bytes, 4, { peerId: 0, session: 0xff, mtu: 1392, windowBytes: 65_536, channels: 3, ...throttle, connectId }, 0)
  return bytes
}

type Pulse = ReturnType<typeof aPulse>

/** What came in the name of an address since the start, and what was sent to it: several short datagrams have one answer together. */
interface Balance {
  sent: number
  received: number
}

/** Sends datagrams in the name of an address that answers nothing. @throws when more came back than was ever sent */
function sendUnanswered({ network, server, run }: Pulse, balance: Balance, datagrams: readonly Uint8Array[]): void {
  const [address, port] = ['203.0.113.99', 5_000]
  const count = (bytes: Buffer) => {
    balance.received += bytes.length
  }
  network.attach(address, port, count, () => undefined)
  for (const datagram of datagrams) {
    balance.sent += datagram.length
    server.host.receive(Buffer.from(datagram), address, port)
  }
  run(SETTLE_MS)
  network.detach(address, port)
  const { sent, received } = balance
  if (received > sent) throw new Error(`${address} was sent ${received} bytes for ${sent} that came in its name`)
}

function sendConnects(pulse: Pulse, { addresses, repeats, sequence }: Extract<Movement, { kind: 'connects' }>): void {
  const received = new Map<string, number>()
  const names = Array.from({ length: addresses }, (_, n) => `192.0.${(n >> 8) % 256}.${n % 256}`)
  for (const [n, address] of names.entries()) {
    const count = (bytes: Buffer) => received.set(address, (received.get(address) ?? 0) + bytes.length)
    pulse.network.attach(address, 4_000, count, () => undefined)
    for (let repeat = 0; repeat < repeats; repeat++) pulse.server.host.receive(aConnect(sequence + n), address, 4_000)
  }
  pulse.run(SETTLE_MS)
  for (const address of names) pulse.network.detach(address, 4_000)
  const most = Math.max(0, ...received.values())
  if (most > repeats * CONNECT_BYTES) throw new Error(`an address was sent ${most} bytes for ${repeats} CONNECTs in its name`)
}

async function sendInConnection(pulse: Pulse, bytes: readonly Uint8Array[], isPlayer: boolean, asDatagrams: boolean) {
  const { peer, port, signIn } = pulse.connect(HOSTILE_ADDRESS)
  if (isPlayer) await signIn(handshakeOf(hostileWallet))
  for (const each of bytes) {
    if (asDatagrams) {
      const datagram = Buffer.from(each)
      if (datagram.length >= 2) datagram.writeUInt16BE(0x4000 | (peer.session << 12) | peer.remoteId)
      pulse.server.host.receive(datagram, HOSTILE_ADDRESS, port)
    } else peer.sendReliable(0, each, 0, Math.min(each.length, MAX_MESSAGE_BYTES))
    pulse.run(20)
  }
  peer.disconnect(0)
  pulse.run(SETTLE_MS)
  pulse.network.detach(HOSTILE_ADDRESS, port)
}

/** Datagrams and messages to a movement relay, on a simulated network with a clock of its own. */
export const movement = fuzzTarget<Movement>({
  name: 'movement',
  inputs,
  inputsInSuite: 40,
  async start() {
    const pulse = aPulse()
    const honest = pulse.connect(HONEST_ADDRESS)
    if ((await honest.signIn(handshakeOf(createWallet('honest mover')))) !== 'true')
      throw new Error('the honest player could not sign in')
    honest.teleport('main', 1)
    pulse.run(1_000)
    let newcomers = 0
    const unanswered: Balance = { sent: 0, received: 0 }
    return {
      async send(input) {
        if (input.kind === 'connects') sendConnects(pulse, input)
        else if (input.kind === 'messages') await sendInConnection(pulse, input.bytes, input.isPlayer, false)
        else if (input.inConnection) await sendInConnection(pulse, input.bytes, false, true)
        else sendUnanswered(pulse, unanswered, input.bytes)
      },
      async problems() {
        const bugs = (await pulse.metric('bugs_total')).filter((line) => !line.startsWith('#') && !line.endsWith(' 0'))
        return honest.happened.includes('connect') && honest.happened.length === 1
          ? bugs
          : [...bugs, `the honest player: ${honest.happened.join()}`]
      },
      async serveHonestly() {
        const newcomer = pulse.connect(HONEST_ADDRESS)
        const answer = await newcomer.signIn(handshakeOf(createWallet(`newcomer ${newcomers++}`)))
        if (answer !== 'true') throw new Error(`an honest client could not sign in: ${answer} ${newcomer.happened.join()}`)
        newcomer.teleport('main', 1)
        pulse.run(1_000)
        newcomer.peer.disconnect(0)
        pulse.run(SETTLE_MS)
        pulse.network.detach(HONEST_ADDRESS, newcomer.port)
      },
      stop: async () => void (await pulse.stop()),
    }
  },
})
