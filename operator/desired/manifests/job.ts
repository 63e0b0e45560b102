import type { V1JobSpec, V1PodTemplateSpec } from '@kubernetes/client-node'
import { fnv1a } from '../../../cells/chassis/fnv1a.ts'
import type { Realm } from '../../../crds/realm.ts'
import { partName, realmChildMeta, realmLabels, realmSelector, serviceAccountName } from '../naming.ts'
import { mergePods } from '../overrides.ts'
import { imageOf, type Platform } from '../platform.ts'
import type { ManifestOf } from './manifest.ts'
import { environmentOf, podTemplate } from './pod.ts'

/** A database that is away for a day is no reason to give up, and nobody else would try again. */
const TRIES = 1_000_000

/**
 * The Job that brings an External database of a gatekeeper up to date, once for each version instead of once for each replica; its pods
 * wait for that. What a Job runs can never be changed, so each has a name of its own, and the one before goes.
 */
export function migrationJob(realm: Realm, platform: Platform): ManifestOf<V1JobSpec> | undefined {
  const { database, replicas } = realm.spec.gatekeeper
  if (database.type !== 'External' || !database.secret || replicas === 0) return undefined
  const template = migrationPod(realm, { secret: database.secret.name, key: database.secret.key }, platform)
  const name = `${partName(realm, 'migration')}-${fingerprint(JSON.stringify(template))}`
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: realmChildMeta(realm, name, 'migration'),
    spec: { backoffLimit: TRIES, template },
  }
}

function migrationPod(realm: Realm, url: { secret: string; key: string }, platform: Platform): V1PodTemplateSpec {
  const { env, volumes, volumeMounts } = environmentOf({ DATABASE_URL: url })
  const { metadata, spec } = podTemplate({
    labels: realmLabels(realm, 'migration'),
    selector: realmSelector(realm, 'migration'),
    pods: mergePods(realm.spec.pods, realm.spec.gatekeeper.pods),
    serviceAccountName: serviceAccountName(realm.metadata.name),
    terminationGracePeriodSeconds: 15,
    volumes,
    container: {
      name: 'migration',
      image: imageOf(platform, realm.spec.version),
      imagePullPolicy: platform.imagePullPolicy,
      args: ['gatekeeper-migrate'],
      env,
      volumeMounts,
    },
  })
  return { ...(metadata && { metadata }), ...(spec && { spec: { ...spec, restartPolicy: 'OnFailure' } }) }
}

/** Eight hexadecimal digits that stand for a text; against accidents, not against malice. */
const fingerprint = (text: string): string => fnv1a(text).toString(16).padStart(8, '0')
