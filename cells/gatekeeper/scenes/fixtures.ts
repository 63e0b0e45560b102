import type { TestContext } from 'vitest'
import { signedFetch } from '../../../testing/player/signed-fetch.ts'
import { createWallet, type Wallet } from '../../../testing/player/wallet.ts'
import type { Storage } from '../adapters/storage.ts'
import type { GatekeeperConfig } from '../config.ts'
import { aGatekeeper } from '../fixtures.ts'
import { sceneMetadataOf, someServices } from '../upstream/fixtures.ts'

/** Owns two scenes and a world. */
export const owner = createWallet('owner')
/** Ids of the scenes at 10,10 and at 20,20. */
export const [PARK, MALL] = ['bafkpark', 'bafkmall']
export const WORLD = 'name.dcl.eth'
const ana = createWallet('ana')

/**
 * Two scenes of one owner, a world with two scenes, and a gatekeeper that asks about them.
 *
 * @param through changes the settings of the gatekeeper, for one that reaches the services in another way
 */
export async function aTown(
  t: TestContext,
  storage: Storage,
  config: Parameters<typeof aGatekeeper>[1] = {},
  through: (config: Partial<GatekeeperConfig>) => Promise<Partial<GatekeeperConfig>> = async (given) => given,
) {
  const services = await someServices()
  services.scenes.push({ id: PARK, parcels: ['10,10', '10,11'] }, { id: MALL, parcels: ['20,20'] })
  for (const parcel of ['10,10', '20,20']) services.rights.set(`${owner.peer} ${parcel}`, 'owner')
  services.names.set('name', owner.address).set('ana', ana.address)
  services.worlds.set(WORLD, {
    ...{ owner: owner.address, deployment: new Map(), streaming: new Map() },
    scenes: [
      { id: 'bafkstage', parcels: ['0,0'] },
      { id: 'bafkbar', parcels: ['1,0'] },
    ],
  })
  const settings = await through({ ...services.config, ...config.config })
  const gatekeeper = await aGatekeeper(t, { storage, ...config, config: settings })
  const { url, clock } = gatekeeper
  const call = async (
    wallet: Wallet,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    metadata: Record<string, unknown> = sceneMetadataOf(PARK, '10,10'),
  ) => {
    const answer = await signedFetch(url + path, {
      wallet,
      method,
      metadata,
      timestamp: clock.now(),
      format: 'current',
      ...(body !== undefined && { body }),
    })
    return [answer.status, answer.status === 204 ? undefined : await answer.json()] as const
  }
  const entry = async (wallet: Wallet, metadata: Record<string, unknown> = { sceneId: PARK, parcel: '10,10' }) => {
    const answer = await gatekeeper.ask(wallet, { realmName: 'main', ...metadata }, { format: 'current' })
    return [answer.status, ((await answer.json()) as { error?: string }).error] as const
  }
  return { ...gatekeeper, services, call, entry }
}
