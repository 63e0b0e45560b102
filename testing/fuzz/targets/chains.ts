import { Authenticator } from '@dcl/crypto'
import type { AuthChain } from '@dcl/schemas'
import fc from 'fast-check'
import WebSocket from 'ws'
import { clientPackets, decodeServerPacket } from '../../../cells/wire/packets.ts'
import { parsePeerId } from '../../../cells/wire/peer.ts'
import { decodeRoomPacket, roomPackets } from '../../../cells/wire/room-packets.ts'
import {
  chainOf,
  contractWalletChain,
  createWallet,
  delegate,
  oneLinkChain,
  threeLinkChain,
  type Wallet,
} from '../../player/wallet.ts'
import { edited, editedJson, type JsonEdit, jsonEdits, type TextEdit, textEdits } from '../generators.ts'
import type { FuzzedServices } from '../services.ts'
import { fuzzTarget, sharedTarget } from '../target.ts'

type Shape = 'two' | 'three' | 'expired' | 'contract' | 'one' | 'ten'

interface Attempt {
  server: 'connector' | 'rooms'
  /** The wallet the client says it is. */
  claims: 'attacker' | 'victim'
  shape: Shape
  /** Signs the challenge it was given, or one of another socket. */
  signs: 'challenge' | 'other challenge'
  edits: readonly JsonEdit[]
  textEdits: readonly TextEdit[]
}

const ROOM = 'island-chains'
const attacker = createWallet('attacker')
const victim = createWallet('victim')
const expired = delegate(attacker, new Date(0))
const isHex = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: 1, maxLength: 4 })

function chainFor(shape: Shape, payload: string): AuthChain {
  if (shape === 'two' || shape === 'three') return chainOf(shape, attacker, payload)
  if (shape === 'expired') return threeLinkChain(attacker, payload, expired)
  if (shape === 'contract') return contractWalletChain(attacker, payload)
  if (shape === 'one') return oneLinkChain(payload)
  const [signer, delegation, entity] = chainOf('three', attacker, payload)
  if (!signer || !delegation || !entity) throw new Error('a chain of three links has three')
  return [signer, ...Array.from({ length: 8 }, () => delegation), entity]
}

/** The chain, with the victim's address beside it for edits to copy from; only the chain is sent. */
function chainText({ shape, signs, edits, textEdits: texts }: Attempt, challenge: string): string {
  const payload = signs === 'challenge' ? challenge : 'dcl-of-another-socket'
  const document = { chain: chainFor(shape, payload), strings: [victim.address, victim.peer, attacker.peer, challenge] }
  const changed = editedJson(document, edits)
  const chain = typeof changed === 'object' && changed !== null && 'chain' in changed ? changed.chain : changed
  return edited(JSON.stringify(chain) ?? 'undefined', texts)
}

/** Who the library says has signed the challenge; undefined when no wallet has. */
async function signerOf(text: string, challenge: string): Promise<string | undefined> {
  const chain = JSON.parse(text) as AuthChain
  const { ok } = await Authenticator.validateSignature(challenge, chain, null)
  return ok ? parsePeerId(chain[0]?.payload) : undefined
}

/** Signs in with the attempt's chain; whether the server said welcome, and what it was sent. */
async function attempt(services: FuzzedServices, input: Attempt, claimed: Wallet) {
  const isRooms = input.server === 'rooms'
  const [url, protocol] = isRooms
    ? [`${services.sockets.rooms}/${ROOM}`, ['rfc5', 'rfc4']]
    : [services.sockets.connector, ['archipelago']]
  const socket = new WebSocket(url, protocol, { perMessageDeflate: false })
  const seen = { welcome: false, challenge: '', text: '' }
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  socket.on('error', () => {})
  socket.on('open', () =>
    socket.send(isRooms ? roomPackets.identification(claimed.address) : clientPackets.challengeRequest(claimed.address)),
  )
  socket.on('message', (bytes: Buffer) => {
    const packet = isRooms ? decodeRoomPacket(bytes) : decodeServerPacket(bytes)
    if (packet?.$case === 'challengeMessage') seen.challenge = packet.challengeMessage.challengeToSign
    if (packet?.$case === 'challengeResponse') seen.challenge = packet.challengeResponse.challengeToSign
    if (packet?.$case === 'challengeMessage' || packet?.$case === 'challengeResponse') {
      seen.text = chainText(input, seen.challenge)
      socket.send(isRooms ? roomPackets.signedChallenge(seen.text) : clientPackets.signedChallenge(seen.text))
    }
    if (packet?.$case === 'welcome' || packet?.$case === 'welcomeMessage') {
      seen.welcome = true
      socket.close()
    }
  })
  await ended
  return seen
}

/** Auth chains that are forged, expired, reordered or of another wallet, signed for the challenge of their socket. */
export const chains = fuzzTarget<Attempt>({
  name: 'chains',
  inputs: fc.record({
    server: fc.constantFrom('connector', 'rooms'),
    claims: fc.constantFrom('attacker', 'victim'),
    shape: fc.constantFrom('two', 'three', 'expired', 'contract', 'one', 'ten'),
    signs: fc.oneof({ weight: 5, arbitrary: fc.constant('challenge' as const) }, fc.constant('other challenge' as const)),
    edits: fc.oneof(fc.constant([]), jsonEdits(3)),
    textEdits: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, textEdits(2), textEdits(1, isHex)),
  }),
  inputsInSuite: 400,
  start: async (services) =>
    sharedTarget(services, async (input) => {
      for (const wallet of [attacker, victim]) await services.admit(wallet, ROOM)
      const { welcome, text, challenge } = await attempt(services, input, input.claims === 'victim' ? victim : attacker)
      if (!welcome) return
      const signer = await signerOf(text, challenge)
      if (signer !== attacker.peer) throw new Error(`a welcome for a chain that ${signer ?? 'no wallet'} signed: ${text}`)
      services.expectWelcome()
    }),
})
