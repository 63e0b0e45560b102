import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import { fnv1a } from '../../../cells/chassis/fnv1a.ts'
import type { Realm } from '../../../crds/realm.ts'
import type { HostedWorld, WorldsFile } from '../../../crds/world.ts'
import type { Hosting } from '../hosted-worlds.ts'
import { realmChildMeta, worldsName } from '../naming.ts'
import { WORLD_SECRETS_FOLDER, WORLDS_FILE, WORLDS_FOLDER } from '../settings.ts'
import type { KubeManifest } from './kube-manifest.ts'

/** A ConfigMap with the fields the operator sets. */
export type ConfigMap = KubeManifest & { data: Record<string, string> }

/** The worlds that the gatekeeper of a realm serves. It reads the file again when it changes, so no pod is replaced for a world. */
export function worldsConfigMap(realm: Realm, { worlds }: Hosting): ConfigMap {
  const file: WorldsFile = { worlds }
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: realmChildMeta(realm, worldsName(realm), 'worlds'),
    data: { [WORLDS_FILE]: JSON.stringify(file) },
  }
}

/** Another text for other worlds. */
export const worldsVersion = (worlds: readonly HostedWorld[]): string =>
  fnv1a(JSON.stringify(worlds)).toString(16).padStart(8, '0')

/** How that file, and the Secret with the shared secrets of the worlds, are mounted into the gatekeeper. */
export function worldVolumes(realm: Realm, hosting: Hosting | undefined): { volumes: V1Volume[]; mounts: V1VolumeMount[] } {
  if (!hosting) return { volumes: [], mounts: [] }
  const { secret } = hosting
  return {
    volumes: [
      { name: 'worlds', configMap: { name: worldsName(realm) } },
      ...(secret ? [{ name: 'world-secrets', secret: secretVolume(secret) }] : []),
    ],
    mounts: [
      { name: 'worlds', mountPath: WORLDS_FOLDER, readOnly: true },
      ...(secret ? [{ name: 'world-secrets', mountPath: WORLD_SECRETS_FOLDER, readOnly: true }] : []),
    ],
  }
}

const secretVolume = ({ name, keys, optional }: NonNullable<Hosting['secret']>): NonNullable<V1Volume['secret']> => ({
  secretName: name,
  defaultMode: 0o440,
  ...(keys && { items: keys.map((key) => ({ key, path: key })) }),
  ...(optional && { optional }),
})
