import type { Realm } from '../../crds/realm.ts'
import { realmNameOf } from '../../crds/realm.ts'
import { type HostedWorld, isGuest, isWorldRealm, sceneIdsOf, type WorldAccess } from '../../crds/world.ts'
import type { ObservedHost } from '../observed/workload.ts'

/** The worlds that a gatekeeper serves, and where it finds their shared secrets. */
export interface Hosting {
  worlds: readonly HostedWorld[]
  /** The Secret that is mounted into the gatekeeper; without `keys`, all its keys. */
  secret: { name: string; keys?: readonly string[]; optional: boolean } | undefined
}

/** In characters, all of them ASCII. A ConfigMap holds 1 MiB; what is left is for its metadata. */
const MAX_FILE_LENGTH = 900_000

/**
 * What the gatekeeper of a realm serves: the realm itself where it is a world, and worlds of the namespace that name it. Undefined for a
 * realm that may have no worlds, whose gatekeeper needs no file of them.
 *
 * @param guests Realms of the namespace that name this one in `world.gatekeeperOf`
 */
export function hostingOf(realm: Realm, guests: readonly Realm[] = []): Hosting | undefined {
  const { worldHosting } = realm.spec.gatekeeper
  if (isGuest(realm) || (!isWorldRealm(realm) && !worldHosting)) return undefined
  const own = isWorldRealm(realm) ? [realm] : []
  const ownSecret = realm.spec.world?.access.secret
  const secretName = worldHosting?.secretName ?? ownSecret?.name
  const keys = worldHosting?.secretName || !ownSecret ? undefined : [ownSecret.key]
  return {
    worlds: within([
      ...own.filter(isOpen).map((world) => hostedWorld(world, secretName)),
      ...(worldHosting ? byAge(guests) : []).filter(isOpen).map((world) => hostedWorld(world, worldHosting?.secretName)),
    ]),
    // Without the Secret of its own world, the pod waits and its status says so; guests of others must not keep it from starting.
    secret: secretName === undefined ? undefined : { name: secretName, ...(keys && { keys }), optional: keys === undefined },
  }
}

/** Why the realm that a guest names cannot serve it; undefined where it can. */
export function hostProblem(realm: Realm, host: ObservedHost | undefined): string | undefined {
  const name = `the Realm ${realm.spec.world?.gatekeeperOf}`
  if (!host) return `${name}, whose gatekeeper this world uses, does not exist`
  const { worldHosting, replicas } = host.realm.spec.gatekeeper
  if (isGuest(host.realm)) return `${name} has no gatekeeper of its own: it uses that of another Realm`
  if (!worldHosting) return `${name} lets no world use its gatekeeper: set spec.gatekeeper.worldHosting there`
  if (replicas === 0) return `${name} has no gatekeeper: spec.gatekeeper.replicas is 0 there`
  const { access } = realm.spec.world ?? {}
  if (access?.secret && access.secret.name !== worldHosting.secretName)
    return `${name} knows no secrets but those of the Secret that its spec.gatekeeper.worldHosting.secretName names: put this one there`
  if (host.isAddressTaken) return `${name} is not reached at its address, which belongs to another realm: see its condition Ready`
  if (!host.serves) return `${name} serves as many worlds as its file of them holds: name another one`
  return undefined
}

/** Whether a world is in the file of its gatekeeper. */
export const isServed = (hosting: Hosting | undefined, { metadata }: Realm): boolean =>
  hosting?.worlds.some(({ name }) => name === metadata.name) ?? false

function hostedWorld(realm: Realm, secretName: string | undefined): HostedWorld {
  const { namespace, name } = realm.metadata
  const { scenes = [], capacity = 1 } = realm.spec.world ?? {}
  return {
    name,
    realmName: realmNameOf(realm),
    // No name of a namespace or a Realm has a colon: no other room is called like this one, nor begins like it.
    room: `world:${namespace}.${name}`,
    scenes: sceneIdsOf(scenes),
    access: accessOf(realm, secretName),
    capacity,
  }
}

function accessOf({ spec: { world } }: Realm, secretName: string | undefined): WorldAccess {
  const { type, wallets = [], secret } = world?.access ?? { type: 'Public' }
  if (type === 'Allowlist') return { type, wallets: wallets.map((wallet) => wallet.toLowerCase()) }
  if (type === 'SharedSecret') return { type, key: secret && secret.name === secretName ? secret.key : undefined }
  return { type }
}

/** Closed by `cells.replicas` 0, or being deleted. */
const isOpen = ({ metadata, spec }: Realm): boolean => spec.cells.replicas > 0 && !metadata.deletionTimestamp

/** The oldest first: where the file is full, no world loses its place to a new one. */
const byAge = (realms: readonly Realm[]): Realm[] => [...realms].sort((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1))
const ageOf = ({ metadata }: Realm): string => `${metadata.creationTimestamp ?? ''} ${metadata.name}`

function within(worlds: readonly HostedWorld[]): HostedWorld[] {
  let length = 0
  return worlds.filter((world) => {
    length += JSON.stringify(world).length + 1
    return length <= MAX_FILE_LENGTH
  })
}
