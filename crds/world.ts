import type { Realm } from './types.gen.ts'

/** Whether a realm is a World: one room, served by a gatekeeper, without cells. */
export const isWorldRealm = ({ spec }: { spec: Pick<Realm['spec'], 'mode'> }): boolean => spec.mode === 'World'

/** The name of the Realm whose gatekeeper serves a world: another one of its namespace, or its own. */
export const gatekeeperRealmOf = ({ metadata, spec }: Realm): string => spec.world?.gatekeeperOf ?? metadata.name

/** Whether a world uses the gatekeeper of another Realm. */
export const isGuest = ({ spec }: Realm): boolean => spec.world?.gatekeeperOf !== undefined

/** Whether the operator runs a NATS for a realm. The default of the field says Managed for a World too, which has no bus. */
export const hasManagedNats = (realm: Realm): boolean => !isWorldRealm(realm) && realm.spec.nats.type === 'Managed'

/** Who may enter a world. */
export type WorldAccess =
  | { type: 'Public' }
  /** Wallets in lower case. */
  | { type: 'Allowlist'; wallets: readonly string[] }
  /** The key of the secret among those of the gatekeeper; undefined = it has no such secret, and no player may enter. */
  | { type: 'SharedSecret'; key: string | undefined }

/** A world as its gatekeeper knows it. */
export interface HostedWorld {
  /** Name of the Realm, which is the name in its paths. */
  name: string
  /** The name players see, which explorers put into requests about scenes. */
  realmName: string
  /** Name of its room; rooms of its scenes have names below it. */
  room: string
  /** Ids of the entities of its scenes. */
  scenes: readonly string[]
  access: WorldAccess
  /** Most players at a time. */
  capacity: number
}

/** Contents of the file with the worlds of a gatekeeper, which the operator writes. */
export interface WorldsFile {
  worlds: readonly HostedWorld[]
}

/** The ids of the entities in the URNs of scenes. */
export const sceneIdsOf = (urns: readonly string[]): string[] =>
  urns.flatMap((urn) => /^urn:decentraland:entity:([A-Za-z0-9]+)/.exec(urn)?.[1] ?? [])
