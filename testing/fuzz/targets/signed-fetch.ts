import { Authenticator } from '@dcl/crypto'
import type { AuthChain } from '@dcl/schemas'
import fc from 'fast-check'
import { parsePeerId } from '../../../cells/wire/peer.ts'
import { signedHeaders } from '../../player/signed-fetch.ts'
import { createWallet } from '../../player/wallet.ts'
import { edited, editedJson, jsonEdits, type TextEdit, textEdits } from '../generators.ts'
import { faultOf, sendRaw } from '../raw-connection.ts'
import { fuzzTarget, sharedTarget } from '../target.ts'

interface SignedRequest {
  /** The attacker signs what it likes; of the victim it has requests that were signed for something else. */
  signer: number | 'victim, another path' | 'victim, another method' | 'victim, a scene'
  format: 'legacy' | 'current'
  chain: 'two' | 'three'
  ageMs: number
  metadata: Record<string, unknown>
  /** Changes after the signature, by header; the last one, -1, is the metadata. */
  edits: readonly (readonly [header: number, edits: readonly TextEdit[]])[]
  /** Replaces the address in the first link by the victim's. */
  claimsVictim: boolean
}

const PATH = '/get-scene-adapter'
const victim = createWallet('victim')
const SCENE_SIGNER = 'decentraland-kernel-scene'
const WINDOW_MS = 60_000
/** Checking a signature may take a while on a busy machine. */
const PATIENCE_MS = 10_000

const metadata = fc
  .tuple(
    fc.constantFrom(
      { realmName: 'main', sceneId: 'scene', signer: 'dcl:explorer' },
      { realmName: 'main', sceneId: 'scene', signer: SCENE_SIGNER },
      { realm: { serverName: 'main', hostname: 'x' }, sceneId: 'scene', deviceIdentifier: 'device', isGuest: true },
      { realmName: 'name.dcl.eth', sceneId: 'scene', intent: 'dcl:explorer:comms-handshake' },
    ),
    fc.oneof(fc.constant([]), jsonEdits(2)),
  )
  .map(([valid, edits]) => {
    const changed = editedJson(valid, edits)
    return (typeof changed === 'object' && changed !== null ? changed : { changed }) as Record<string, unknown>
  })

/** Of the metadata alone: a legacy signature does not cover the case of what it signs. */
const otherCase = textEdits(2, fc.constant('other case')).map((changes) => [[-1, changes] as const])

/** The headers as they are sent, changed after they were signed. */
function headersOf(input: SignedRequest, now: number): Record<string, string> {
  const { signer, format, chain, edits, claimsVictim } = input
  const timestamp = now - input.ageMs
  const others = {
    'victim, another path': { path: '/other', method: 'POST', metadata: input.metadata },
    'victim, another method': { path: PATH, method: 'GET', metadata: input.metadata },
    'victim, a scene': { path: PATH, method: 'POST', metadata: { ...input.metadata, signer: SCENE_SIGNER } },
  } as const
  const headers =
    typeof signer === 'number'
      ? signedHeaders(PATH, {
          wallet: createWallet(`attacker ${signer}`),
          method: 'POST',
          metadata: input.metadata,
          timestamp,
          format,
          chain,
        })
      : signedHeaders(others[signer].path, { ...others[signer], wallet: victim, timestamp, format, chain })
  const first = 'x-identity-auth-chain-0'
  if (claimsVictim) headers[first] = JSON.stringify({ ...JSON.parse(headers[first] ?? '{}'), payload: victim.address })
  const names = Object.keys(headers)
  for (const [at, changes] of edits) {
    const name = names.at(at < 0 ? at : at % names.length) ?? first
    headers[name] = edited(headers[name] ?? '', changes)
  }
  // A line break would make another header out of the rest, and Node reads values without the blanks around them.
  return Object.fromEntries(
    Object.entries(headers).map(([name, text]) => [
      name,
      text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '').replace(/^[\t ]+|[\t ]+$/g, ''),
    ]),
  )
}

/** The wallet that has signed this very request, by the library and the rules of ADR-44; undefined when none has. */
async function signerOf(headers: Readonly<Record<string, string>>, now: number): Promise<string | undefined> {
  const chain = Object.keys(headers)
    .filter((name) => name.startsWith('x-identity-auth-chain-'))
    .map((name) => JSON.parse(headers[name] ?? '') as AuthChain[number])
  const timestamp = headers['x-identity-timestamp'] ?? ''
  if (Math.abs(Number(timestamp) - now) > WINDOW_MS + 5_000) return undefined
  const text = headers['x-identity-metadata'] ?? '{}'
  // The lower-case text is what a legacy signature covers; it is JSON whenever the service accepted the request.
  if ((JSON.parse(text.toLowerCase()) as { signer?: unknown } | null)?.signer === SCENE_SIGNER) return undefined
  const current = `post:${PATH}:${timestamp}:${text}`
  for (const payload of [current, current.toLowerCase()]) {
    const { ok } = await Authenticator.validateSignature(payload, chain, null)
    if (ok) return parsePeerId(chain[0]?.payload)
  }
  return undefined
}

/** The player of a LiveKit token in the body of an answer. */
function playerIn(answer: string): string {
  const [, payload = ''] = /access_token=[\w-]+\.([\w-]+)\./.exec(answer) ?? []
  return String((JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: unknown }).sub)
}

/** Signed requests for a scene's token that were changed after the signature, or signed for something else. */
export const signedFetch = fuzzTarget<SignedRequest>({
  name: 'signed-fetch',
  inputs: fc.record({
    signer: fc.oneof(
      { weight: 2, arbitrary: fc.nat(5_000) },
      { weight: 1, arbitrary: fc.constantFrom('victim, another path' as const, 'victim, another method' as const) },
      { weight: 2, arbitrary: fc.constant('victim, a scene' as const) },
    ),
    format: fc.constantFrom('legacy', 'current'),
    chain: fc.constantFrom('two', 'three'),
    ageMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -200_000, max: 200_000 })),
    metadata,
    edits: fc.oneof(
      fc.constant([]),
      { weight: 2, arbitrary: otherCase },
      fc.array(fc.tuple(fc.nat(10), textEdits(2)), { maxLength: 3 }),
    ),
    claimsVictim: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  }),
  inputsInSuite: 600,
  start: async (services) =>
    sharedTarget(services, async (input) => {
      const now = Date.now()
      const headers = headersOf(input, now)
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      const request = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n${lines.join('')}\r\n`
      const answer = await sendRaw(services.urls.gatekeeper, request, PATIENCE_MS)
      const fault = faultOf(answer)
      if (fault) throw new Error(fault)
      if (!answer.startsWith('HTTP/1.1 200')) return
      const player = playerIn(answer)
      const signer = await signerOf(headers, now)
      if (player !== signer || player === victim.peer)
        throw new Error(`a token for ${player}, while ${signer ?? 'no wallet'} signed ${JSON.stringify(headers)}`)
    }),
})
