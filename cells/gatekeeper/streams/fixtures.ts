import type { TestContext } from 'vitest'
import { type SignedRequest, signedFetch } from '../../../testing/player/signed-fetch.ts'
import { createWallet, type Wallet } from '../../../testing/player/wallet.ts'
import type { Storage } from '../adapters/storage.ts'
import { aGatekeeper } from '../fixtures.ts'
import { aFakeLivekit } from '../livekit/livekit-api.fixtures.ts'
import { sceneMetadataOf, someServices } from '../upstream/fixtures.ts'

export const owner = createWallet('owner')
export const [PARK, WORLD] = ['bafkpark', 'name.dcl.eth']
export const ROOM = `scene-main:${PARK}`
export const inPark = sceneMetadataOf(PARK, '10,10')
const inPreview = sceneMetadataOf('b64-L3Q=', '0,0')
export const preview = { ...inPreview, realm: { ...inPreview.realm, serverName: 'LocalPreview' } }

/** A park and a world of one owner, a LiveKit with ingress, and a gatekeeper of both. */
export async function aStage(t: TestContext, storage: Storage, options: Parameters<typeof aGatekeeper>[1] = {}) {
  const [services, livekit] = [await someServices(), await aFakeLivekit()]
  services.scenes.push({ id: PARK, parcels: ['10,10', '10,11'] }, { id: 'bafkmall', parcels: ['20,20'] })
  services.rights.set(`${owner.peer} 10,10`, 'owner')
  services.names.set('name', owner.address)
  services.worlds.set(WORLD, {
    ...{ owner: owner.address, deployment: new Map(), streaming: new Map() },
    scenes: [
      { id: 'bafkstage', parcels: ['0,0'] },
      { id: 'bafkbar', parcels: ['1,0'] },
    ],
  })
  const config = { ...services.config, ...livekit.config, ...options.config }
  const gatekeeper = await aGatekeeper(t, { storage, ...options, config })
  const { url, clock } = gatekeeper
  const call = async (
    wallet: Wallet,
    method: NonNullable<SignedRequest['method']>,
    path: string,
    { body, metadata = inPark }: { body?: unknown; metadata?: Record<string, unknown> } = {},
  ) => {
    const answer = await signedFetch(url + path, {
      ...{ wallet, method, metadata, timestamp: clock.now(), format: 'current' },
      ...(body !== undefined && { body }),
    })
    return [answer.status, answer.status === 204 ? undefined : await answer.json()] as const
  }
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(url + path, { method: 'POST', body: JSON.stringify(body), headers })
    return [answer.status, await answer.json()] as const
  }
  /** A second replica with the same database. */
  const replica = () => aGatekeeper(t, { storage, ...options, config, clock })
  return { ...gatekeeper, database: storage.database, services, livekit, call, post, replica }
}

/** The text of a token, as LiveKit reads it. */
export const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

export const banFromPlatform = ({ query }: Pick<Storage['database'], 'query'>, wallet: Wallet) =>
  query("INSERT INTO user_bans (banned_address, banned_by, reason) VALUES ($1, 'mod', 'spam')", [wallet.peer])
