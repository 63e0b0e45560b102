import { createHmac } from 'node:crypto'
import { AccessToken, TokenVerifier, TrackSource } from 'livekit-server-sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LivekitServer, startLivekitServer } from '../../cli/adapters/livekit-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { silentLog } from '../chassis/log.ts'
import type { PeerId } from '../wire/peer.ts'
import { createLivekitTransport } from './livekit-transport.ts'

const PEER: PeerId = '0x1f9090aae28b8a3dceadf281b0f12828e676c326'
const keys = { apiKey: 'key', apiSecret: 'a secret of at least thirty-two characters' }

const parse = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString())
function tokenIn(connStr: string) {
  const token = connStr.split('access_token=')[1] ?? ''
  const [header, claims, signature] = token.split('.')
  return { token, header: parse(header), claims: parse(claims), signed: `${header}.${claims}`, signature }
}

describe('a connection string for LiveKit', () => {
  test('names the host as it is, then the token', async () => {
    const transport = createLivekitTransport({ url: 'wss://livekit.example.org', ...keys })
    expect(await transport.connectionString(PEER, 'island-1', 'island')).toMatch(
      /^livekit:wss:\/\/livekit\.example\.org\?access_token=[\w-]+\.[\w-]+\.[\w-]+$/,
    )
    expect(transport.kind).toBe('livekit')
  })

  test('carries a token for one peer, one room and five minutes, that opens the microphone and no camera', async () => {
    const { header, claims } = tokenIn(
      await createLivekitTransport({ url: 'wss://h', ...keys }).connectionString(PEER, 'island-1', 'island'),
    )
    expect(header).toEqual({ alg: 'HS256' })
    expect(claims).toMatchObject({
      iss: 'key',
      sub: PEER,
      video: {
        roomJoin: true,
        room: 'island-1',
        roomList: false,
        canPublish: true,
        canSubscribe: true,
        canPublishData: true,
        canUpdateOwnMetadata: true,
        canPublishSources: ['microphone'],
      },
    })
    expect(claims.exp * 1_000 - Date.now()).toBeGreaterThan(280_000)
    expect(claims.exp * 1_000 - Date.now()).toBeLessThanOrEqual(301_000)
    expect(claims.nbf ?? 0).toBeLessThanOrEqual(Date.now() / 1_000)
  })

  test('carries the same claims whatever the length and the letters of what it is made of', async () => {
    for (const apiKey of ['k', 'ké', 'k"}']) {
      const transport = createLivekitTransport({ url: 'wss://h', apiKey, apiSecret: keys.apiSecret })
      for (const room of ['I', 'I1', 'I12', 'I1']) {
        const { claims, signed, signature } = tokenIn(await transport.connectionString(PEER, room, 'island'))
        expect(claims).toMatchObject({ iss: apiKey, sub: PEER, video: { room } })
        expect(createHmac('sha256', keys.apiSecret).update(signed).digest('base64url')).toBe(signature)
      }
    }
  })

  test('is of the peer that it is for, whichever was told before it', async () => {
    const transport = createLivekitTransport({ url: 'wss://h', ...keys })
    const peers = [PEER, `0x${'f'.repeat(40)}`, '0x1', PEER] as const
    const tokens = peers.map((peer) => tokenIn(transport.connectionString(peer, 'island-1', 'island')))
    expect(tokens.map(({ claims }) => claims.sub)).toEqual(peers)
    for (const { signed, signature } of tokens)
      expect(createHmac('sha256', keys.apiSecret).update(signed).digest('base64url')).toBe(signature)
  })

  test('lasts as long as configured', async () => {
    const transport = createLivekitTransport({ url: 'wss://h', ...keys, tokenTtlSeconds: 60 })
    const { claims } = tokenIn(await transport.connectionString(PEER, 'island-1', 'island'))
    expect(claims.exp * 1_000 - Date.now()).toBeLessThanOrEqual(61_000)
  })

  test('is signed with the secret', async () => {
    const transport = createLivekitTransport({ url: 'wss://h', ...keys })
    const { signed, signature } = tokenIn(await transport.connectionString(PEER, 'island-1', 'island'))
    expect(createHmac('sha256', keys.apiSecret).update(signed).digest('base64url')).toBe(signature)
  })
})

test('a token holds what one of livekit-server-sdk holds, and is accepted by it', async () => {
  const transport = createLivekitTransport({ url: 'wss://h', ...keys, tokenTtlSeconds: 300 })
  const { token, claims } = tokenIn(transport.connectionString(PEER, 'island-1', 'island'))
  const own = new AccessToken(keys.apiKey, keys.apiSecret, { identity: PEER, ttl: 300 })
  own.addGrant({ ...claims.video, canPublishSources: [TrackSource.MICROPHONE] })
  const [verifier, theirs] = [new TokenVerifier(keys.apiKey, keys.apiSecret), await own.toJwt()]
  const [ofOurs, ofTheirs] = [await verifier.verify(token), await verifier.verify(theirs)]
  // Both are of the same second, or of two that follow each other.
  expect(Math.abs((ofTheirs.exp ?? 0) - (ofOurs.exp ?? 0))).toBeLessThanOrEqual(1)
  expect({ ...ofOurs, exp: 0, nbf: 0 }).toEqual({ ...ofTheirs, exp: 0, nbf: 0 })
  await expect(new TokenVerifier(keys.apiKey, `${keys.apiSecret}.`).verify(token)).rejects.toThrow()
})

withPart('livekit', 'LiveKit itself', (binary) => {
  let livekit: LivekitServer
  beforeAll(async () => {
    livekit = await startLivekitServer(binary, '127.0.0.1', silentLog)
  })
  afterAll(() => livekit.stop())

  const validate = async (options: { apiSecret: string }) => {
    const transport = createLivekitTransport({ url: livekit.url, apiKey: livekit.apiKey, ...options })
    const { token } = tokenIn(await transport.connectionString(PEER, 'island-1', 'island'))
    return (await fetch(`${livekit.url.replace('ws', 'http')}/rtc/validate?access_token=${token}`)).status
  }

  test('admits the holder of a token', async () => {
    expect(await validate(livekit)).toBe(200)
  })

  test('does not admit a token that another secret signed', async () => {
    expect(await validate({ apiSecret: 'x'.repeat(48) })).toBe(401)
  })
})
